#include "common/shape/shape_table.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "common/shape/address.h"

namespace fleetqshape {
namespace {

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

void AddRow(const uint64_t* from, size_t columns, uint64_t* to) {
  for (size_t i = 0; i < columns; ++i) to[i] += from[i];
}

}  // namespace

ShapeTable::ShapeTable(size_t columns) : columns_(columns), total_(columns, 0) {}

uint64_t* ShapeTable::RowOf(std::string_view name) {
  auto [entry, inserted] = row_of_name_.try_emplace(ToAbsl(name), row_of_name_.size());
  if (inserted) counts_.resize(counts_.size() + columns_, 0);
  return counts_.data() + entry->second * columns_;
}

void ShapeTable::Add(std::string_view name, size_t bucket) {
  uint64_t* row = RowOf(name);
  ++row[0];
  if (bucket < columns_) ++row[bucket];
}

void ShapeTable::Prefetch(std::string_view name) const { row_of_name_.prefetch(ToAbsl(name)); }

void ShapeTable::AddCounts(std::string_view name, const uint64_t* counts) {
  AddRow(counts, columns_, RowOf(name));
}

void ShapeTable::AddTotal(size_t bucket) {
  ++total_[0];
  if (bucket < columns_) ++total_[bucket];
}

void ShapeTable::AddTotalCounts(const uint64_t* counts) { AddRow(counts, columns_, total_.data()); }

void ShapeTable::MergeFrom(const ShapeTable& other) {
  AddTotalCounts(other.total_.data());
  for (const auto& [name, row] : other.row_of_name_) {
    AddCounts(name, other.counts_.data() + row * columns_);
  }
}

Table ShapeTable::Finish(const RowOptions& options) const {
  // A parent's row and its number of distinct direct subdomains. A name that starts with a dot
  // and is no one's parent has none.
  ShapeTable parents(columns_);
  absl::flat_hash_map<std::string, uint64_t> subdomains;
  if (options.parents) {
    for (const auto& [name, row] : row_of_name_) {
      // A child counts once for its direct parent, however many names lie below the child. A name
      // of the mail's own counts here; a parent counts when it comes up first, unless it is one.
      bool child_is_new = true;
      for (std::string parent(ParentDomain(name)); !parent.empty(); parent = ParentDomain(parent)) {
        if (child_is_new) ++subdomains[parent];
        child_is_new = !row_of_name_.contains(parent) && !parents.row_of_name_.contains(parent);
        parents.AddCounts(parent, counts_.data() + row * columns_);
      }
    }
  }

  Table table;
  table.columns = columns_;
  table.total = total_;
  table.names.reserve(row_of_name_.size() + parents.row_of_name_.size());
  table.counts.reserve((row_of_name_.size() + parents.row_of_name_.size()) * columns_);
  const auto add_row = [&](const std::string& name, const uint64_t* counts) {
    table.names.push_back(name);
    table.counts.insert(table.counts.end(), counts, counts + columns_);
  };
  const auto visible = [&](const std::string& name) {
    if (name.empty() || name[0] != '.') return true;
    const auto found = subdomains.find(name);
    const uint64_t count = found == subdomains.end() ? 0 : found->second;
    return static_cast<double>(count) >= options.min_subdomains;
  };
  for (const auto& [name, row] : row_of_name_) {
    // A name that is also some other name's parent has one row, added below.
    if (!visible(name) || parents.row_of_name_.contains(name)) continue;
    add_row(name, counts_.data() + row * columns_);
  }
  for (const auto& [name, row] : parents.row_of_name_) {
    if (!visible(name)) continue;
    uint64_t* counts = parents.counts_.data() + row * columns_;
    const auto own = row_of_name_.find(name);
    if (own != row_of_name_.end()) {
      AddRow(counts_.data() + own->second * columns_, columns_, counts);
    }
    add_row(name, counts);
  }
  return table;
}

}  // namespace fleetqshape
