#include "cli/output/screen_text.h"

#include "cli/output/display_width.h"

namespace fleetqshape {

// What was appended last is of this style.
void ScreenLine::Mark(Style style) {
  const uint32_t begin = runs_.empty() ? 0 : runs_.back().end;
  if (text_.size() == begin) return;
  if (!runs_.empty() && runs_.back().style == style) {
    runs_.back().end = static_cast<uint32_t>(text_.size());
  } else {
    runs_.push_back({style, static_cast<uint32_t>(text_.size())});
  }
}

void ScreenLine::ReserveAs(const ScreenLine& line) {
  text_.reserve(line.text_.size());
  runs_.reserve(line.runs_.size());
}

void ScreenLine::Add(std::string_view text, Style style) {
  text_.append(text);
  Mark(style);
}

void ScreenLine::AddSpaces(size_t count, Style style) {
  text_.append(count, ' ');
  Mark(style);
}

void ScreenLine::Add(const ScreenLine& line) {
  for (const Span& span : line.spans()) Add(span.text, span.style);
}

std::vector<Span> ScreenLine::spans() const {
  std::vector<Span> spans;
  spans.reserve(runs_.size());
  uint32_t begin = 0;
  for (const Run& run : runs_) {
    spans.push_back({run.style, std::string_view(text_).substr(begin, run.end - begin)});
    begin = run.end;
  }
  return spans;
}

size_t ScreenLine::Width() const { return DisplayWidth(text_); }

ScreenLine ScreenLine::Cut(size_t columns) const {
  ScreenLine line;
  for (const Span& span : spans()) {
    const std::string_view part = FirstColumns(span.text, columns);
    line.Add(part, span.style);
    if (part.size() < span.text.size()) break;
    columns -= DisplayWidth(part);
  }
  return line;
}

std::string PlainText(const ScreenText& text) {
  std::string plain;
  for (const ScreenLine& line : text) plain.append(line.Text()).push_back('\n');
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
