// The log of a program: structured lines on standard error.
#ifndef FLEETQSHAPE_COMMON_BASE_LOGGING_H_
#define FLEETQSHAPE_COMMON_BASE_LOGGING_H_

#include <string_view>

namespace fleetqshape {

// Sets up spdlog's default logger: standard error, with time in UTC, level and message.
// `level`: trace, debug, info, warning, error or off. False if it is none of them.
bool StartLogging(std::string_view level);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_LOGGING_H_
