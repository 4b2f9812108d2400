// Standard input, output and error, which a program may be started without.
#ifndef FLEETQSHAPE_COMMON_BASE_STANDARD_STREAMS_H_
#define FLEETQSHAPE_COMMON_BASE_STANDARD_STREAMS_H_

#include <fcntl.h>
#include <unistd.h>

namespace fleetqshape {

// Opens /dev/null for those of the descriptors 0 to 2 that are closed: else the next file or socket
// that is opened would take their place, and what is meant for the user would be written into it.
// For reading only, so that writing to it is an error that shows. First thing in main.
inline void OccupyStandardStreams() {
  for (;;) {
    const int fd = open("/dev/null", O_RDONLY);
    if (fd < 0) return;
    if (fd > STDERR_FILENO) {
      close(fd);
      return;
    }
  }
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_STANDARD_STREAMS_H_
