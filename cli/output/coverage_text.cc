#include "cli/output/coverage_text.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/figures.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

using Notices = google::protobuf::RepeatedPtrField<v1::RelayNotice>;

// So many relays are named that are not fresh; the rest are counted.
constexpr size_t kMaxNotices = 5;

std::string StaleText(const v1::RelayNotice& relay) {
  return absl::StrCat(RelayName(relay), " silent for ", DurationText(relay.silent_seconds()), ", ",
                      CountText(relay.messages(), "message"));
}

std::string MissingText(const v1::RelayNotice& relay) {
  return absl::StrCat(
      RelayName(relay), " silent for ", DurationText(relay.silent_seconds()),
      relay.damaged() ? ": its stored state was damaged; waiting for its agent" : "");
}

std::string SkewText(const v1::RelayNotice& relay) {
  const int64_t seconds = relay.clock_offset_milliseconds() / 1000;
  return absl::StrCat(RelayName(relay), " ", DurationText(seconds < 0 ? -seconds : seconds),
                      seconds < 0 ? " behind" : " ahead");
}

std::string NamesText(const Notices& relays, std::string (*text)(const v1::RelayNotice&)) {
  std::vector<std::string> names;
  for (const v1::RelayNotice& relay : relays) {
    if (names.size() == kMaxNotices) {
      const auto more = static_cast<size_t>(relays.size()) - kMaxNotices;
      return absl::StrCat(" (", absl::StrJoin(names, ", "), " and ", more,
                          " more: `fleetqshape relays` lists them)");
    }
    names.push_back(text(relay));
  }
  return absl::StrCat(" (", absl::StrJoin(names, ", "), ")");
}

std::string NoticesText(const char* state, const Notices& relays,
                        std::string (*text)(const v1::RelayNotice&)) {
  if (relays.empty()) return "";
  return absl::StrCat(", ", relays.size(), " ", state, NamesText(relays, text));
}

// Mail of which nobody knows more than it was there.
std::string StrandedText(const Notices& stale) {
  uint64_t messages = 0;
  size_t relays = 0;
  for (const v1::RelayNotice& relay : stale) {
    messages += relay.messages();
    relays += relay.messages() > 0 ? 1 : 0;
  }
  if (messages == 0) return "";
  return absl::StrCat("; ", CountText(messages, "message"), messages == 1 ? " is" : " are",
                      " stranded on ", relays == 1 ? "a host" : "hosts", " that nobody hears of");
}

}  // namespace

std::vector<std::string> CoverageLines(const v1::Coverage& coverage) {
  // While the aggregator takes no reports, that relays are silent says nothing of their hosts.
  const bool has_problem = !coverage.problem().empty();
  std::vector<std::string> lines = {
      absl::StrCat(CountText(coverage.relays(), "relay"), ": ", coverage.fresh(), " fresh",
                   NoticesText("stale", coverage.stale(), StaleText),
                   NoticesText("missing", coverage.missing(), MissingText),
                   has_problem ? "" : StrandedText(coverage.stale()))};
  if (coverage.left_out() > 0) {
    lines.push_back(absl::StrCat(CountText(coverage.left_out(), "relay"),
                                 coverage.left_out() == 1 ? " is" : " are",
                                 " in none of these groups, and not counted"));
  }
  if (coverage.skipped_files() > 0) {
    lines.push_back(absl::StrCat(
        CountText(coverage.skipped_files(), "queue file"),
        coverage.skipped_files() == 1 ? " is" : " are",
        " not counted, unreadable or damaged: `fleetqshape relays` says on which relays"));
  }
  if (!coverage.skewed().empty()) {
    lines.push_back(absl::StrCat(
        CountText(static_cast<uint64_t>(coverage.skewed_size()), "relay"),
        coverage.skewed_size() == 1 ? " has a clock that differs" : " have clocks that differ",
        " from the aggregator's", NamesText(coverage.skewed(), SkewText),
        "; ages are right all the same"));
  }
  if (has_problem) {
    lines.push_back(absl::StrCat(coverage.problem(), ": what it answers is of before"));
  }
  for (std::string& line : lines) line = PrintableName(line);
  return lines;
}

}  // namespace fleetqshape
