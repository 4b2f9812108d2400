// Numbers as words for people.
#ifndef FLEETQSHAPE_CLI_OUTPUT_FIGURES_H_
#define FLEETQSHAPE_CLI_OUTPUT_FIGURES_H_

#include <cstdint>
#include <string>

namespace fleetqshape {

// In its two largest units at most: 45s, 5m, 3h10m, 2d.
std::string DurationText(int64_t seconds);

// The same, and "-" for an age that there is none of (negative).
std::string AgeText(int64_t seconds);

// "1 message", "2 messages".
std::string CountText(uint64_t count, const char* what);

// 1234567 as 1,234,567.
std::string GroupedCount(uint64_t count);

// What part of `whole` a count is: 36.8%, 100%, <0.1%, and "-" of nothing.
std::string ShareText(uint64_t count, uint64_t whole);

// In UTC: 2026-11-21 08:15:00 UTC.
std::string TimeText(int64_t seconds);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_FIGURES_H_
