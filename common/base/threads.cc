#include "common/base/threads.h"

#include <system_error>
#include <utility>
#include <vector>

namespace fleetqshape {

std::thread StartStdThread(std::function<void()> work) { return std::thread(std::move(work)); }

void WorkInThreads(size_t others, absl::FunctionRef<void(size_t thread)> work, StartThread start) {
  std::vector<std::thread> threads;
  threads.reserve(others);
  while (threads.size() < others) {
    try {
      threads.push_back(start([work, number = threads.size() + 1] { work(number); }));
    } catch (const std::system_error&) {
      break;
    }
  }
  work(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace fleetqshape
