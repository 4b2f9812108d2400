#include "common/base/validation.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace fleetqshape {
namespace {

constexpr size_t kMaxNameLength = 253;  // as of a host name

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

absl::Status ValidateName(std::string_view what, std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
  };
  if (name.empty() || name.size() > kMaxNameLength ||
      !std::all_of(name.begin(), name.end(), allowed)) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " must be 1 to ", kMaxNameLength,
                                                   " letters, digits or any of . - _ :"));
  }
  return absl::OkStatus();
}

absl::Status ValidateAddress(std::string_view what, std::string_view address) {
  const size_t colon = address.rfind(':');
  uint16_t port = 0;
  if (colon != std::string_view::npos && colon > 0) {
    const char* begin = address.data() + colon + 1;
    const char* end = address.data() + address.size();
    const auto parsed = std::from_chars(begin, end, port);
    const std::string_view host = address.substr(0, colon);
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (begin != end && parsed.ec == std::errc() && parsed.ptr == end &&
        (brackets || host.find_first_of(":[]") == std::string_view::npos)) {
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(what), " must be HOST:PORT, as 127.0.0.1:7777 or [::1]:7777"));
}

}  // namespace fleetqshape
