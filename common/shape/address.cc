#include "common/shape/address.h"

#include <cstddef>
#include <cstring>

namespace fleetqshape {
namespace {

constexpr size_t kNone = std::string_view::npos;

// s/.*\@// : in the first line that has an '@', all from the line's start to its last '@' goes.
// Returns that range as [begin, end), empty if there is none.
struct Range {
  size_t begin;
  size_t end;
};
Range LocalPart(std::string_view address) {
  if (address.find('\n') == kNone) return {0, address.rfind('@') + 1};  // kNone + 1 is 0
  const size_t first = address.find('@');
  if (first == kNone) return {0, 0};
  const size_t newline_before = address.rfind('\n', first);
  size_t newline_after = address.find('\n', first);
  if (newline_after == kNone) newline_after = address.size();
  const size_t last = address.rfind('@', newline_after);
  return {newline_before == kNone ? 0 : newline_before + 1, last + 1};
}

// s/\.\././g : pairs from left to right; what a replacement makes is not looked at again.
void CollapseDoubleDots(std::string* domain) {
  size_t out = 0;
  for (size_t in = 0; in < domain->size(); ++in) {
    const char c = (*domain)[in];
    if (c == '.' && in + 1 < domain->size() && (*domain)[in + 1] == '.') ++in;
    (*domain)[out++] = c;
  }
  domain->resize(out);
}

// s/\.?(.+?)\.?$/$1/ : one dot goes from each end of the last line (that before a final newline),
// as long as something is left.
void TrimDots(std::string* domain) {
  size_t end = domain->size();
  if (end > 0 && (*domain)[end - 1] == '\n') --end;
  if (end == 0) return;
  const size_t newline = domain->rfind('\n', end - 1);
  const size_t begin = newline == std::string::npos ? 0 : newline + 1;
  size_t length = end - begin;
  if (length == 0) return;
  const bool leading = length > 1 && (*domain)[begin] == '.';
  if (leading) --length;
  const bool trailing = length > 1 && (*domain)[end - 1] == '.';
  if (trailing) domain->erase(end - 1, 1);
  if (leading) domain->erase(begin, 1);
}

// The whole reduction for addresses in one line whose domain has single dots between labels only.
// False for all others, `domain` being anything then.
bool ReduceCommonAddress(std::string_view address, std::string* domain) {
  if (std::memchr(address.data(), '\n', address.size()) != nullptr) return false;
  const auto* at = static_cast<const char*>(memrchr(address.data(), '@', address.size()));
  const std::string_view host =
      at == nullptr ? address : address.substr(static_cast<size_t>(at - address.data()) + 1);
  domain->resize(host.size());
  char* out = domain->data();
  char previous = '.';  // a dot at the start, too, is for the long way
  bool odd_dots = false;
  for (const char c : host) {
    odd_dots |= c == '.' && previous == '.';
    previous = c;
    *out++ = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return !odd_dots && previous != '.';
}

}  // namespace

void AddressToDomain(std::string_view address, std::string* domain) {
  if (address.empty()) {
    domain->assign(kMailerDaemon);
    return;
  }
  if (ReduceCommonAddress(address, domain)) return;
  domain->clear();
  const Range local = LocalPart(address);
  domain->append(address.substr(0, local.begin));
  domain->append(address.substr(local.end));
  bool double_dots = false;
  char previous = 0;
  for (char& c : *domain) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    double_dots |= c == '.' && previous == '.';
    previous = c;
  }
  if (double_dots) CollapseDoubleDots(domain);
  TrimDots(domain);
}

std::string_view ParentDomain(std::string_view domain) {
  // s/^(?:\.)?[^.]+\.(.*\.)/.$1/ : one label goes if, in the same line, a dot follows its own.
  const size_t label = !domain.empty() && domain[0] == '.' ? 1 : 0;
  const size_t dot = domain.find('.', label);
  if (dot == kNone || dot == label) return {};
  const size_t next_dot = domain.find('.', dot + 1);
  if (next_dot == kNone || domain.substr(dot, next_dot - dot).find('\n') != kNone) return {};
  return domain.substr(dot);
}

}  // namespace fleetqshape
