// Postfix's configuration file, for tests that ask postconf.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_MAIN_CF_H_
#define FLEETQSHAPE_TESTS_SUPPORT_MAIN_CF_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "tests/support/temporary_directory.h"

namespace fleetqshape::test {

// Writes main.cf into a directory below `directory`, as if it had been written long ago: Postfix
// waits until a main.cf is two seconds old (src/util/dict.c).
inline std::string WriteMainCf(const TemporaryDirectory& directory, const std::string& name,
                               std::string_view text) {
  directory.MakeDirectory(name);
  const std::string path = directory.WriteFile(name + "/main.cf", text, 0644);
  const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  EXPECT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  return path;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_MAIN_CF_H_
