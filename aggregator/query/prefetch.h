// Asks for memory ahead.
#ifndef FLEETQSHAPE_AGGREGATOR_QUERY_PREFETCH_H_
#define FLEETQSHAPE_AGGREGATOR_QUERY_PREFETCH_H_

#include <cstddef>

#include "absl/types/span.h"

namespace fleetqshape {

// Of a list of arrivals; what follows in a longer one is foreseen by the processor.
inline constexpr size_t kForeseen = 128;

// Values that will be read soon.
template <typename Value>
void Prefetch(absl::Span<const Value> values) {
  constexpr size_t kLine = 64;
  const char* const begin = reinterpret_cast<const char*>(values.data());
  const size_t bytes = values.size() * sizeof(Value);
  for (size_t i = 0; i < bytes + kLine - 1; i += kLine) __builtin_prefetch(begin + i);
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_QUERY_PREFETCH_H_
