// Early returns for absl::Status and absl::StatusOr (the distribution's Abseil has none).
#ifndef FLEETQSHAPE_COMMON_BASE_STATUS_MACROS_H_
#define FLEETQSHAPE_COMMON_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define FQS_RETURN_IF_ERROR(expression)      \
  do {                                       \
    absl::Status fqs_status = (expression);  \
    if (!fqs_status.ok()) return fqs_status; \
  } while (false)

#define FQS_CONCAT_INNER(a, b) a##b
#define FQS_CONCAT(a, b) FQS_CONCAT_INNER(a, b)

// FQS_ASSIGN_OR_RETURN(auto value, Function()): `value` is what Function() holds, or its error
// is returned from the enclosing function.
#define FQS_ASSIGN_OR_RETURN(declaration, expression)         \
  auto FQS_CONCAT(fqs_or_, __LINE__) = (expression);          \
  if (!FQS_CONCAT(fqs_or_, __LINE__).ok()) {                  \
    return std::move(FQS_CONCAT(fqs_or_, __LINE__)).status(); \
  }                                                           \
  declaration = *std::move(FQS_CONCAT(fqs_or_, __LINE__))

#endif  // FLEETQSHAPE_COMMON_BASE_STATUS_MACROS_H_
