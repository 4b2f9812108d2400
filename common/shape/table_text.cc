#include "common/shape/table_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include "common/base/printable.h"

namespace fleetqshape {
namespace {

// The name column is never narrower than this many bytes.
constexpr double kMinNameWidth = 18;
// An absurd -w is no reason to ask for memory that may never be used.
constexpr size_t kMostReserved = size_t{64} << 20;

struct Layout {
  std::vector<std::string> heads;
  std::vector<size_t> widths;
  double name_width = 0;
};

Layout MakeLayout(const Table& table, const TextOptions& options) {
  Layout layout;
  layout.name_width = options.width;
  std::string head = "T";
  PerlNumber age = PerlNumber::FromUnsigned(0);
  for (size_t column = 0; column < table.columns; ++column) {
    const size_t count_length = std::to_string(table.total[column]).size();
    const size_t length = std::max(head.size(), count_length);
    const size_t width = length > 2 ? length + 1 : 3;
    layout.heads.push_back(head);
    layout.widths.push_back(width);
    layout.name_width -= static_cast<double>(width);
    // The next column's head. The last one is open-ended; with a fractional bucket count qshape
    // never comes to the last one, and so shows no plus.
    if (static_cast<double>(column + 1) < options.bucket_count) {
      const bool first = age.AsDouble() == 0;
      age = age + (first || options.linear ? options.bucket_minutes : age);
      head = age.ToString();
    } else {
      head = age.ToString() + "+";
    }
  }
  layout.name_width = std::max(layout.name_width, kMinNameWidth);
  return layout;
}

void AppendRightJustified(std::string_view text, size_t width, std::string* out) {
  if (text.size() < width) out->append(width - text.size(), ' ');
  out->append(text);
}

// A number takes the width of its column; one that is wider, as many columns as it needs.
void AppendCount(uint64_t count, size_t width, std::string* out) {
  if (count < 10 && width > 0) {  // most cells
    out->append(width, ' ');
    out->back() = static_cast<char>('0' + count);
    return;
  }
  std::array<char, std::numeric_limits<uint64_t>::digits10 + 1> digits;
  const char* end = std::to_chars(digits.begin(), digits.end(), count).ptr;
  AppendRightJustified({digits.data(), static_cast<size_t>(end - digits.data())}, width, out);
}

// Perl's substr($name, start, length), with both cut to whole numbers.
std::string_view Substring(std::string_view name, double start, double length) {
  const auto from = std::min(static_cast<size_t>(start), name.size());
  return name.substr(from, static_cast<size_t>(length));
}

void AppendName(std::string_view name, double width, bool raw, std::string* out) {
  const auto length = static_cast<double>(name.size());
  if (length <= width) {
    AppendRightJustified(name, name.size() + static_cast<size_t>(width - length), out);
    return;
  }
  const bool parent = name[0] == '.';
  const double mark = parent ? 2 : 1;
  out->append(parent ? ".+" : "+");
  const std::string_view end = Substring(name, length - width + mark, width - mark);
  // The cut may have split a character: what is left of it would be broken UTF-8.
  size_t broken = 0;
  while (!raw && broken < end.size() && (static_cast<unsigned char>(end[broken]) & 0xC0) == 0x80) {
    out->push_back('?');
    ++broken;
  }
  out->append(end.substr(broken));
}

struct Row {
  uint64_t total;  // counts[0], at hand for sorting
  std::string_view name;
  const uint64_t* counts;
};

std::vector<Row> OrderedRows(const Table& table, double top_rows) {
  std::vector<Row> rows;
  rows.reserve(table.names.size() + 1);
  const auto add = [&rows](std::string_view name, const uint64_t* counts) {
    rows.push_back({counts[0], name, counts});
  };
  add("TOTAL", table.total.data());
  for (size_t i = 0; i < table.names.size(); ++i) add(table.names[i], table.row(i));
  const auto before = [](const Row& a, const Row& b) {
    if (a.total != b.total) return a.total > b.total;
    if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
    return a.name < b.name;
  };
  size_t shown = rows.size();
  if (top_rows > 0 && top_rows < static_cast<double>(rows.size())) {
    shown = static_cast<size_t>(top_rows);
  }
  // A heap is the faster way to a few rows, and the slower one to all.
  if (shown == rows.size()) {
    std::sort(rows.begin(), rows.end(), before);
  } else {
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(shown), rows.end(),
                      before);
    rows.resize(shown);
  }
  return rows;
}

}  // namespace

std::string TableText(const Table& table, const TextOptions& options) {
  const Layout layout = MakeLayout(table, options);
  const std::vector<Row> rows = OrderedRows(table, options.top_rows);
  std::string text;
  const size_t line = std::accumulate(layout.widths.begin(), layout.widths.end(),
                                      static_cast<size_t>(layout.name_width) + 1);
  text.reserve(std::min(line * (rows.size() + 1), kMostReserved));
  AppendName("", layout.name_width, options.raw_names, &text);
  for (size_t column = 0; column < table.columns; ++column) {
    AppendRightJustified(layout.heads[column], layout.widths[column], &text);
  }
  text.push_back('\n');
  for (const Row& row : rows) {
    if (options.raw_names) {
      AppendName(row.name, layout.name_width, true, &text);
    } else {
      AppendName(PrintableName(row.name), layout.name_width, false, &text);
    }
    for (size_t column = 0; column < table.columns; ++column) {
      AppendCount(row.counts[column], layout.widths[column], &text);
    }
    text.push_back('\n');
  }
  return text;
}

}  // namespace fleetqshape
