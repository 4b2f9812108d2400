#include "cli/output/ansi.h"

namespace fleetqshape {
namespace {

// Little mail keeps the terminal's own background, whether it is light or dark; the most stands out
// on red.
const char* SequenceOf(Style style) {
  switch (style) {
    case Style::kPlain:
    case Style::kHeat1:
      return "";
    case Style::kHead:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[38;5;244m";
    case Style::kHeat2:
      return "\x1b[38;5;136m";
    case Style::kHeat3:
      return "\x1b[38;5;166m";
    case Style::kHeat4:
      return "\x1b[38;5;16;48;5;215m";
    case Style::kHeat5:
      return "\x1b[1;38;5;231;48;5;160m";
    case Style::kGood:
      return "\x1b[38;5;34m";
    case Style::kWarning:
      return "\x1b[38;5;166m";
    case Style::kBad:
      return "\x1b[1;38;5;160m";
  }
  return "";
}

constexpr char kReset[] = "\x1b[0m";

}  // namespace

std::string AnsiText(const ScreenText& text) {
  std::string bytes;
  for (const ScreenLine& line : text) {
    for (const Span& span : line.spans()) {
      const std::string_view sequence = SequenceOf(span.style);
      bytes.append(sequence).append(span.text);
      if (!sequence.empty()) bytes.append(kReset);
    }
    bytes.push_back('\n');
  }
  return bytes;
}

}  // namespace fleetqshape
