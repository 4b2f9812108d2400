// Finds out why a connection did not come about, of which gRPC says little.
#ifndef FLEETQSHAPE_CLI_CLIENT_CONNECTION_TROUBLE_H_
#define FLEETQSHAPE_CLI_CLIENT_CONNECTION_TROUBLE_H_

#include <string>

#include "cli/options.h"

namespace fleetqshape {

struct ConnectionTrouble {
  bool connected = false;  // somebody is there
  bool silent = false;     // who does not say a word, as a program that hangs
  // What stands between us and the server, in words for people. If somebody is there: as far as TLS
  // goes, and with what to do about it, as a text that follows the server's name. May hold what a
  // certificate says: not printable. Empty: nothing does, or it cannot be told.
  std::string text;
};

// Makes one connection of our own to `server` (HOST:PORT) to see; the program ignores SIGPIPE.
// Takes 3 s at most, and as long as the system takes to look up a name.
ConnectionTrouble FindConnectionTrouble(const std::string& server, const TlsOptions& tls);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_CONNECTION_TROUBLE_H_
