// Work that several threads share.
#ifndef FLEETQSHAPE_COMMON_BASE_THREADS_H_
#define FLEETQSHAPE_COMMON_BASE_THREADS_H_

#include <cstddef>
#include <functional>
#include <thread>

#include "absl/functional/function_ref.h"

namespace fleetqshape {

// Starts a thread, or throws std::system_error, as the constructor of std::thread does.
using StartThread = absl::FunctionRef<std::thread(std::function<void()> work)>;
std::thread StartStdThread(std::function<void()> work);

// Calls `work` with 0 in this thread, and with each number from 1 to `others` in a thread of its
// own, and returns when all of them have. Where the system gives no more threads (there may be a
// limit), there are fewer calls, but always the one with 0: so each of them has to take its part
// from what is left to do.
void WorkInThreads(size_t others, absl::FunctionRef<void(size_t thread)> work,
                   StartThread start = StartStdThread);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_THREADS_H_
