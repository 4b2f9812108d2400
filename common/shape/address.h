// From an address in an envelope to the domain that a table has a row for.
#ifndef FLEETQSHAPE_COMMON_SHAPE_ADDRESS_H_
#define FLEETQSHAPE_COMMON_SHAPE_ADDRESS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace fleetqshape {

// No name that agents report is longer; Postfix itself keeps no address beyond 2048 bytes
// (line_length_limit).
inline constexpr size_t kMaxReportedNameLength = 4096;

// The row of the null sender.
inline constexpr std::string_view kMailerDaemon = "MAILER-DAEMON";

// qshape's reduction, byte for byte: ASCII letters become lower case; an empty address is
// kMailerDaemon; all up to the last '@' goes (within a line); ".." becomes "." once from left to
// right; one leading and one trailing dot go if something is left. An address without '@' is its
// own domain, "user@" has an empty one. The result replaces what `domain` held; its memory is
// used again.
void AddressToDomain(std::string_view address, std::string* domain);

// The parent of a domain as `qshape -p` builds it: "a.b.c" and ".a.b.c" have ".b.c", "b.c" has
// none (an empty result). It is the end of `domain`; it is found without a look at what follows its
// first label.
std::string_view ParentDomain(std::string_view domain);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_ADDRESS_H_
