// Memory that a program has freed, and its allocator keeps.
#ifndef FLEETQSHAPE_COMMON_BASE_FREE_MEMORY_H_
#define FLEETQSHAPE_COMMON_BASE_FREE_MEMORY_H_

namespace fleetqshape {

// Gives it back to the system. Takes up to some tens of milliseconds, in which other threads may
// wait for memory: for when much was freed. Any thread.
void ReturnFreeMemory();

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_FREE_MEMORY_H_
