// The file system as an ordinary user meets it.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_UNPRIVILEGED_H_
#define FLEETQSHAPE_TESTS_SUPPORT_UNPRIVILEGED_H_

#include <sys/fsuid.h>
#include <unistd.h>

namespace fleetqshape::test {

// While it lives, this thread and the threads that it starts open files as nobody, without root's
// capabilities. Does nothing for who is not root, who is the owner of what the tests make then: a
// file of mode 0700 can't be kept from its owner.
class UnprivilegedFileAccess {
 public:
  UnprivilegedFileAccess() {
    if (geteuid() == 0) setfsuid(kNobody);
  }
  ~UnprivilegedFileAccess() {
    if (geteuid() == 0) setfsuid(0);
  }
  // Whether the files that the tests made are this one's own.
  static bool IsOwner() { return geteuid() != 0; }

  UnprivilegedFileAccess(const UnprivilegedFileAccess&) = delete;
  UnprivilegedFileAccess& operator=(const UnprivilegedFileAccess&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_UNPRIVILEGED_H_
