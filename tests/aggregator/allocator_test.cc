// The allocator that the aggregator is linked with is the one that was meant, and behaves so.
#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstddef>

// jemalloc(3)
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size);

namespace fleetqshape {
namespace {

template <typename Value>
Value Read(const char* name) {
  Value value{};
  size_t size = sizeof value;
  EXPECT_EQ(mallctl(name, &value, &size, nullptr, 0), 0) << name;
  return value;
}

TEST(AllocatorTest, WhatWasFreedGoesBackByItself) {
  EXPECT_TRUE(Read<bool>("opt.background_thread"));
  EXPECT_GT(Read<ssize_t>("opt.dirty_decay_ms"), 0) << "and not at once";
}

TEST(AllocatorTest, LargeMemoryIsKeptForAWhileToo) {
  EXPECT_EQ(Read<size_t>("opt.oversize_threshold"), 0);
}

}  // namespace
}  // namespace fleetqshape
