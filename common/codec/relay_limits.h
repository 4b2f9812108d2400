// Bounds on what reports say of a relay beside its queues, for both ends.
#ifndef FLEETQSHAPE_COMMON_CODEC_RELAY_LIMITS_H_
#define FLEETQSHAPE_COMMON_CODEC_RELAY_LIMITS_H_

#include <cstddef>

namespace fleetqshape {

// A report with a longer PostfixSettings.mail_version, in bytes, is refused. Postfix's own are
// like "3.7.11" or "3.9-20231021-nonprod".
inline constexpr size_t kMaxMailVersionLength = 64;

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_CODEC_RELAY_LIMITS_H_
