// Text for a screen: lines of spans, each with a style that says what it means rather than how it
// looks. It is printed with or without colour (ansi.h) or drawn by curses; the text is the same.
// Values; not for several threads at once.
#ifndef FLEETQSHAPE_CLI_OUTPUT_SCREEN_TEXT_H_
#define FLEETQSHAPE_CLI_OUTPUT_SCREEN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fleetqshape {

enum class Style : uint8_t {
  kPlain,
  kHead,  // heads of columns, names of groups, TOTAL
  kDim,   // what need not be seen, such as zeros
  // Cells of a heat map, from little to most.
  kHeat1,
  kHeat2,
  kHeat3,
  kHeat4,
  kHeat5,
  kGood,
  kWarning,
  kBad,
};
inline constexpr size_t kStyles = static_cast<size_t>(Style::kBad) + 1;

// A piece of a line, which outlives it.
struct Span {
  Style style = Style::kPlain;
  std::string_view text;

  bool operator==(const Span& other) const = default;
};

// One line, without its end. The text of it has been made fit to be shown (base/printable.h): no
// control characters, well-formed UTF-8.
class ScreenLine {
 public:
  ScreenLine() = default;
  explicit ScreenLine(std::string_view text, Style style = Style::kPlain) { Add(text, style); }

  // Room for as much as `line` has: lines of one table are alike.
  void ReserveAs(const ScreenLine& line);

  // Neighbours of one style are one span.
  void Add(std::string_view text, Style style = Style::kPlain);
  void AddSpaces(size_t count, Style style = Style::kPlain);
  void Add(const ScreenLine& line);

  std::vector<Span> spans() const;
  // In columns of a terminal (display_width.h).
  size_t Width() const;
  const std::string& Text() const { return text_; }
  // The first part of it that fits into so many columns.
  ScreenLine Cut(size_t columns) const;

 private:
  struct Run {
    Style style;
    uint32_t end;  // in text_
  };

  void Mark(Style style);

  // One string, as tables have millions of cells.
  std::string text_;
  std::vector<Run> runs_;  // none of them empty
};

using ScreenText = std::vector<ScreenLine>;

// Each line ended by a newline.
std::string PlainText(const ScreenText& text);

// The heat of a cell: by its share of the largest cell that it is seen beside, each level about
// four times the one before. No mail is kDim.
Style HeatOf(uint64_t count, uint64_t largest);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_SCREEN_TEXT_H_
