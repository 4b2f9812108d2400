// The letters that stand for units of time.
#ifndef FLEETQSHAPE_COMMON_BASE_TIME_UNIT_H_
#define FLEETQSHAPE_COMMON_BASE_TIME_UNIT_H_

#include <cstdint>

namespace fleetqshape {

// How many seconds a unit has, as in Postfix's configuration (postconf(5)): s, m, h, d or w. 0 for
// any other letter.
constexpr int64_t UnitSeconds(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 24 * 3600;
    case 'w':
      return 7 * 24 * 3600;
    default:
      return 0;
  }
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_TIME_UNIT_H_
