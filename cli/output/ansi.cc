#include "cli/output/ansi.h"

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "cli/output/style_look.h"

namespace fleetqshape {
namespace {

std::string SequenceOf(Style style) {
  const StyleLook look = LookOf(style);
  std::string codes = look.bold ? ";1" : "";
  if (look.foreground >= 0) absl::StrAppend(&codes, ";38;5;", look.foreground);
  if (look.background >= 0) absl::StrAppend(&codes, ";48;5;", look.background);
  return codes.empty() ? "" : absl::StrCat("\x1b[", codes.substr(1), "m");
}

constexpr char kReset[] = "\x1b[0m";

}  // namespace

std::string AnsiText(const ScreenText& text) {
  std::array<std::string, kStyles> sequences;
  for (size_t style = 0; style < kStyles; ++style) {
    sequences[style] = SequenceOf(static_cast<Style>(style));
  }
  std::string bytes;
  for (const ScreenLine& line : text) {
    for (const Span& span : line.spans()) {
      const std::string& sequence = sequences[static_cast<size_t>(span.style)];
      bytes.append(sequence).append(span.text);
      if (!sequence.empty()) bytes.append(kReset);
    }
    bytes.push_back('\n');
  }
  return bytes;
}

}  // namespace fleetqshape
