// Where RocksDB 7.8 can't be asked to stay in the caller's thread, it is made to.
//
// A program that is linked with this replaces functions of the RocksDB library and of the C library
// by its own, so that
// - RocksDB has no timer thread. (Each database would start one, to flush the info log.)
// - a thread that waits for background work of a simulated machine does that work instead. There
//   is nobody else to do it: writes that are stopped, Flush, CompactRange and Resume would wait for
//   ever.
// - the heights in memtables' skip lists, which decide when one is full, follow from a seed.
#ifndef FLEETQSHAPE_TESTS_SIMULATION_ROCKSDB_SEAMS_H_
#define FLEETQSHAPE_TESTS_SIMULATION_ROCKSDB_SEAMS_H_

#include <cstdint>

namespace fleetqshape::test {

// Something that has background work for the threads that wait.
class BackgroundWork {
 public:
  virtual ~BackgroundWork() = default;
  // Does a piece of it. False: there is none.
  virtual bool DoSome() = 0;
};

// From now on, when the calling thread waits for a condition, it does `work`; and the program ends,
// with a message, if there is none, since nobody else could end the wait. Until RemoveWork.
void AddWork(BackgroundWork* work);
void RemoveWork(BackgroundWork* work);

// Seeds what RocksDB draws at random in the calling thread.
void SeedRocksDb(uint64_t seed);

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SIMULATION_ROCKSDB_SEAMS_H_
