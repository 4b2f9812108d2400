#include "common/base/free_memory.h"

#include <malloc.h>

#include <cstddef>

// jemalloc(3); in programs that are linked with it.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace fleetqshape {

void ReturnFreeMemory() {
  if (mallctl == nullptr) {
    malloc_trim(0);
    return;
  }
  // MALLCTL_ARENAS_ALL is 4096.
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

}  // namespace fleetqshape
