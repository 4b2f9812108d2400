#include "cli/options/server.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/validation.h"

namespace fleetqshape {
namespace {

bool IsNumber(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

bool LooksLikeHost(const std::string& text) {
  return !IsNumber(text) && ValidateName("", text).ok();
}

// The host that is meant; empty if nobody can tell.
std::string HostIn(const std::string& server) {
  const size_t colon = server.find(':');
  if (colon == std::string::npos) return LooksLikeHost(server) ? server : "";
  // A numeric IPv6 host has no brackets, or no port.
  if (server.find(':', colon + 1) != std::string::npos) {
    if (server.starts_with('[')) return server.ends_with(']') ? server : "";
    return server.find_first_not_of("0123456789abcdefABCDEF:") == std::string::npos &&
                   !server.ends_with(':')
               ? absl::StrCat("[", server, "]")
               : "";
  }
  const std::string host = server.substr(0, colon);
  return LooksLikeHost(host) ? host : "";
}

}  // namespace

absl::Status CheckServer(const std::string& what, const std::string& server) {
  if (ValidateAddress(what, server).ok()) return absl::OkStatus();
  const std::string host = HostIn(server);
  return absl::InvalidArgumentError(
      absl::StrCat(what, " ", server.empty() ? "\"\"" : server, ": must be HOST:PORT, as ",
                   host.empty() ? "agg1.example.com" : host, ":", kUsualQueryPort, " (",
                   kUsualQueryPort, " is the usual port for questions)"));
}

}  // namespace fleetqshape
