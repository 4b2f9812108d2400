#include "cli/output/screen_text.h"

#include "cli/output/display_width.h"

namespace fleetqshape {

void ScreenLine::Add(std::string_view text, Style style) {
  if (text.empty()) return;
  if (spans_.empty() || spans_.back().style != style) spans_.push_back({style, ""});
  spans_.back().text.append(text);
}

void ScreenLine::AddSpaces(size_t count, Style style) { Add(std::string(count, ' '), style); }

void ScreenLine::Add(const ScreenLine& line) {
  for (const Span& span : line.spans_) Add(span.text, span.style);
}

size_t ScreenLine::Width() const {
  size_t width = 0;
  for (const Span& span : spans_) width += DisplayWidth(span.text);
  return width;
}

std::string ScreenLine::Text() const {
  std::string text;
  for (const Span& span : spans_) text.append(span.text);
  return text;
}

ScreenLine ScreenLine::Cut(size_t columns) const {
  ScreenLine line;
  for (const Span& span : spans_) {
    const std::string_view part = FirstColumns(span.text, columns);
    line.Add(part, span.style);
    if (part.size() < span.text.size()) break;
    columns -= DisplayWidth(part);
  }
  return line;
}

std::string PlainText(const ScreenText& text) {
  std::string plain;
  for (const ScreenLine& line : text) {
    for (const Span& span : line.spans()) plain.append(span.text);
    plain.push_back('\n');
  }
  return plain;
}

Style HeatOf(uint64_t count, uint64_t largest) {
  if (count == 0) return Style::kDim;
  const double share = static_cast<double>(count) / static_cast<double>(largest);
  if (share >= 1.0 / 2) return Style::kHeat5;
  if (share >= 1.0 / 8) return Style::kHeat4;
  if (share >= 1.0 / 32) return Style::kHeat3;
  if (share >= 1.0 / 128) return Style::kHeat2;
  return Style::kHeat1;
}

}  // namespace fleetqshape
