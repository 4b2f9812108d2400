// Standard output.
#ifndef FLEETQSHAPE_CLI_OUTPUT_H_
#define FLEETQSHAPE_CLI_OUTPUT_H_

#include <string_view>

namespace fleetqshape {

// Writes and flushes. False if it can't be written; a line on standard error has said so then. If
// the reader just went away (as `head` does) the program ends here, quietly, by SIGPIPE.
bool PrintText(std::string_view text);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_H_
