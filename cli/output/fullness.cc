#include "cli/output/fullness.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/output/relay_facts.h"

namespace fleetqshape {
namespace {

// The row of a relay: its cluster, host, ..., or what its label says; empty without that label.
std::string RowOf(const v1::RelayStatus& relay, std::string_view rows_by) {
  if (rows_by == "relay") return RelayName(relay);
  if (rows_by == "cluster") return relay.cluster();
  if (rows_by == "host") return relay.host();
  if (rows_by == "instance") return relay.instance();
  return LabelOf(relay, rows_by);
}

}  // namespace

void ActiveQueue::Add(const v1::RelayStatus& relay) {
  const uint64_t relay_limit = relay.settings().active_limit();
  messages += MessagesIn(relay, v1::QUEUE_ACTIVE);
  limit += relay_limit;
  known =
      known && relay_limit > 0 && !relay.damaged() && relay.freshness() != v1::FRESHNESS_MISSING;
}

std::optional<double> ActiveQueue::Percent() const {
  if (!known || limit == 0) return std::nullopt;
  return 100 * static_cast<double>(messages) / static_cast<double>(limit);
}

std::string FullText(const ActiveQueue& queue) {
  const auto percent = queue.Percent();
  if (!percent) return "-";
  if (*percent > 0 && *percent < 1) return "<1%";
  // Not full is not shown as full.
  return absl::StrCat(static_cast<int64_t>(std::floor(*percent)), "%");
}

Style StyleOf(const ActiveQueue& queue) {
  constexpr double kNearlyFull = 80;
  constexpr double kFull = 95;
  const auto percent = queue.Percent();
  if (!percent) return Style::kDim;
  if (*percent >= kFull) return Style::kBad;
  return *percent >= kNearlyFull ? Style::kWarning : Style::kPlain;
}

Fullness::Fullness(const v1::ListRelaysResponse& relays, std::string_view rows_by) {
  for (const v1::RelayStatus& relay : relays.relays()) {
    rows_[RowOf(relay, rows_by)].Add(relay);
    total_.Add(relay);
  }
}

const ActiveQueue* Fullness::Find(std::string_view row) const {
  const auto found = rows_.find(absl::string_view(row.data(), row.size()));
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace fleetqshape
