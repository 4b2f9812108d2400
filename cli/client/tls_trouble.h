// Finds out why a connection did not come about, of which gRPC says little.
#ifndef FLEETQSHAPE_CLI_CLIENT_TLS_TROUBLE_H_
#define FLEETQSHAPE_CLI_CLIENT_TLS_TROUBLE_H_

#include <string>

#include "cli/options.h"

namespace fleetqshape {

// What stands between us and `server` (HOST:PORT) as far as TLS goes, and what to do about it: a
// text that follows the server's name, from one connection of our own. Empty if nothing does, or it
// cannot be told. Takes 3 s at most. The text may hold what a certificate says: not printable.
std::string TlsTrouble(const std::string& server, const TlsOptions& tls);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_TLS_TROUBLE_H_
