#include "common/shape/table_layout.h"

#include <algorithm>

namespace fleetqshape {
namespace {

// The name column is never narrower than this many bytes.
constexpr double kMinNameWidth = 18;

// Perl's substr($name, start, length), with both cut to whole numbers.
std::string_view Substring(std::string_view name, double start, double length) {
  const auto from = std::min(static_cast<size_t>(start), name.size());
  return name.substr(from, static_cast<size_t>(length));
}

}  // namespace

std::vector<std::string> TableHeads(size_t columns, const TextOptions& options) {
  std::vector<std::string> heads;
  std::string head = "T";
  PerlNumber age = PerlNumber::FromUnsigned(0);
  for (size_t column = 0; column < columns; ++column) {
    heads.push_back(head);
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
  return heads;
}

TableLayout::TableLayout(const Table& table, const TextOptions& options)
    : heads(TableHeads(table.columns, options)), name_width(options.width) {
  for (size_t column = 0; column < table.columns; ++column) {
    const size_t count_length = std::to_string(table.total[column]).size();
    const size_t length = std::max(heads[column].size(), count_length);
    const size_t width = length > 2 ? length + 1 : 3;
    widths.push_back(width);
    name_width -= static_cast<double>(width);
  }
  name_width = std::max(name_width, kMinNameWidth);
}

std::vector<TableRow> ShownRows(const Table& table, const TextOptions& options) {
  std::vector<TableRow> rows;
  rows.reserve(table.names.size() + 1);
  const auto add = [&rows](std::string_view name, const uint64_t* counts) {
    rows.push_back({counts[0], name, counts});
  };
  add("TOTAL", table.total.data());
  for (size_t i = 0; i < table.names.size(); ++i) add(table.names[i], table.row(i));
  const auto before = [](const TableRow& a, const TableRow& b) {
    if (a.total != b.total) return a.total > b.total;
    if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
    return a.name < b.name;
  };
  size_t shown = rows.size();
  if (options.top_rows > 0 && options.top_rows < static_cast<double>(rows.size())) {
    shown = static_cast<size_t>(options.top_rows);
  }
  if (options.keep_order) {
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(shown), rows.end());
    return rows;
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

void AppendRightJustified(std::string_view text, size_t width, std::string* out) {
  if (text.size() < width) out->append(width - text.size(), ' ');
  out->append(text);
}

}  // namespace fleetqshape
