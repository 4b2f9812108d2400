#include "cli/client/fleet_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/printable.h"
#include "common/shape/queue.h"

namespace fleetqshape {
namespace {

using Notices = google::protobuf::RepeatedPtrField<v1::RelayNotice>;

// So many relays are named that are not fresh; the rest are counted.
constexpr size_t kMaxNotices = 5;

// Of a RelayNotice or a RelayStatus.
template <typename Relay>
std::string NameOf(const Relay& relay) {
  return absl::StrCat(relay.cluster(), "/", relay.host(), "/", relay.instance());
}

std::string StaleText(const v1::RelayNotice& relay) {
  return absl::StrCat(NameOf(relay), " silent for ", DurationText(relay.silent_seconds()), ", ",
                      CountText(relay.messages(), "message"));
}

std::string MissingText(const v1::RelayNotice& relay) {
  return absl::StrCat(
      NameOf(relay), " silent for ", DurationText(relay.silent_seconds()),
      relay.damaged() ? ": its stored state was damaged; waiting for its agent" : "");
}

std::string NoticesText(const char* state, const Notices& relays,
                        std::string (*text)(const v1::RelayNotice&)) {
  if (relays.empty()) return "";
  std::vector<std::string> names;
  for (const v1::RelayNotice& relay : relays) {
    if (names.size() == kMaxNotices) {
      names.emplace_back("...");
      break;
    }
    names.push_back(text(relay));
  }
  return absl::StrCat(", ", relays.size(), " ", state, " (", absl::StrJoin(names, ", "), ")");
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

uint64_t MessagesOf(const v1::RelayStatus& relay) {
  uint64_t messages = 0;
  for (const v1::QueueMessages& queue : relay.queues()) messages += queue.messages();
  return messages;
}

std::string TimeText(int64_t seconds) {
  const time_t time = seconds;
  std::tm utc{};
  std::array<char, 64> text{};
  if (gmtime_r(&time, &utc) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
    return absl::StrCat(seconds, " seconds since 1970");
  }
  return text.data();
}

// When it was heard of, and what its queues held then.
std::string LastHeardText(const v1::RelayStatus& relay) {
  return absl::StrCat("last heard of ", TimeText(relay.heard_seconds()), " (",
                      DurationText(relay.silent_seconds()), " ago), ",
                      relay.damaged() ? "what its queues held is not known"
                                      : CountText(MessagesOf(relay), "message"));
}

std::string StrandedRelayText(const v1::RelayStatus& relay) {
  if (relay.damaged()) {
    return absl::StrCat(NameOf(relay),
                        " is not forgotten: what its queues hold is not known, its stored state "
                        "was damaged; start its agent, or give --stranded to forget it anyway");
  }
  const uint64_t messages = MessagesOf(relay);
  return absl::StrCat(NameOf(relay), " is not forgotten: its queues held ",
                      CountText(messages, "message"), " when it was heard of last, ",
                      DurationText(relay.silent_seconds()), " ago; see to ",
                      messages == 1 ? "it" : "them",
                      " on that host, or give --stranded to forget the relay anyway");
}

const char* StateName(const v1::RelayStatus& relay) {
  if (relay.damaged()) return "damaged";
  switch (relay.freshness()) {
    case v1::FRESHNESS_FRESH:
      return "fresh";
    case v1::FRESHNESS_STALE:
      return "stale";
    case v1::FRESHNESS_MISSING:
      return "missing";
    default:
      return "?";
  }
}

std::vector<std::string> RelayRow(const v1::RelayStatus& relay) {
  std::string role = "-";
  for (const v1::Label& label : relay.labels()) {
    if (label.key() == "role") role = label.value();
  }
  std::vector<std::string> row = {relay.cluster(), relay.host(), relay.instance(), role};
  const bool unknown = relay.damaged() || relay.freshness() == v1::FRESHNESS_MISSING;
  for (const Queue queue : kAllQueues) {
    uint64_t messages = 0;
    for (const v1::QueueMessages& one : relay.queues()) {
      if (one.queue() == static_cast<v1::Queue>(queue)) messages += one.messages();
    }
    row.push_back(unknown ? "-" : absl::StrCat(messages));
  }
  row.emplace_back(StateName(relay));
  row.push_back(DurationText(relay.silent_seconds()) + " ago");
  for (std::string& cell : row) cell = PrintableName(cell);
  return row;
}

}  // namespace

std::string DurationText(int64_t seconds) {
  const auto units = [](int64_t large, const char* large_unit, int64_t small,
                        const char* small_unit) {
    return absl::StrCat(large, large_unit, small == 0 ? "" : absl::StrCat(small, small_unit));
  };
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m");
  if (seconds < 86400) return units(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return units(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

std::string CountText(uint64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::vector<std::string> CoverageLines(const v1::Coverage& coverage) {
  // While the aggregator takes no reports, that relays are silent says nothing of their hosts.
  const bool has_problem = !coverage.problem().empty();
  std::vector<std::string> lines = {
      PrintableName(absl::StrCat(CountText(coverage.relays(), "relay"), ": ", coverage.fresh(),
                                 " fresh", NoticesText("stale", coverage.stale(), StaleText),
                                 NoticesText("missing", coverage.missing(), MissingText),
                                 has_problem ? "" : StrandedText(coverage.stale())))};
  if (has_problem) {
    lines.push_back(
        PrintableName(absl::StrCat(coverage.problem(), ": what it answers is of before")));
  }
  return lines;
}

std::string FailureText(const absl::Status& failure, const std::string& server) {
  const std::string message = PrintableName(std::string(failure.message()));
  if (absl::IsUnavailable(failure)) {
    return absl::StrCat("no aggregator answers at ", server, " (", message,
                        "): is it running, and is this its query address?");
  }
  if (absl::IsUnimplemented(failure)) {
    return absl::StrCat(server,
                        " does not know this question: is this the aggregator's ingest address "
                        "(its query address is needed), or is the aggregator of another version "
                        "than this command (" FLEETQSHAPE_VERSION ")?");
  }
  if (absl::IsDeadlineExceeded(failure)) {
    return absl::StrCat(server,
                        " does not answer in time: is this an aggregator's query address, and is "
                        "it overloaded?");
  }
  return message;
}

std::string RelaysText(const v1::ListRelaysResponse& relays) {
  constexpr size_t kFirstNumber = 4;
  std::vector<std::vector<std::string>> rows = {{"cluster", "host", "instance", "role"}};
  for (const Queue queue : kAllQueues) rows[0].emplace_back(QueueName(queue));
  const size_t numbers_end = rows[0].size();
  rows[0].insert(rows[0].end(), {"state", "heard of"});
  for (const v1::RelayStatus& relay : relays.relays()) rows.push_back(RelayRow(relay));
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool last = i + 1 == row.size();
      const bool number = i >= kFirstNumber && i < numbers_end;
      absl::StrAppend(&text, number ? padding : "", row[i], number || last ? "" : padding,
                      last ? "\n" : "  ");
    }
  }
  return text;
}

ForgottenText TextOfForgotten(const v1::ForgetRelaysResponse& response) {
  ForgottenText text;
  for (const v1::RelayStatus& relay : response.forgotten()) {
    text.forgotten.push_back(
        PrintableName(absl::StrCat(NameOf(relay), " forgotten: ", LastHeardText(relay))));
  }
  for (const v1::RelayStatus& relay : response.connected()) {
    text.left.push_back(PrintableName(absl::StrCat(
        NameOf(relay), " is not forgotten: its agent reports; stop that agent first")));
  }
  for (const v1::RelayStatus& relay : response.stranded()) {
    text.left.push_back(PrintableName(StrandedRelayText(relay)));
  }
  return text;
}

}  // namespace fleetqshape
