#include "cli/client/fleet_question.h"

#include <unistd.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/query_client.h"
#include "cli/output.h"
#include "common/options/layered_options.h"

namespace fleetqshape {
namespace {

constexpr char kProgram[] = "fleetqshape";
// So many relays are named that are not fresh; the rest are counted.
constexpr int kMaxNotices = 5;

absl::StatusOr<v1::TableRequest> MakeRequest(const CliOptions& options) {
  v1::TableRequest request;
  v1::Selection* selection = request.mutable_selection();
  for (const std::string& cluster : options.clusters) selection->add_clusters(cluster);
  for (const std::string& host : options.hosts) selection->add_hosts(host);
  for (const std::string& role : options.roles) selection->add_roles(role);
  for (const auto& [key, value] : options.matches) {
    v1::Match* match = selection->add_matches();
    match->set_key(key);
    match->set_value(value);
  }
  for (const std::string& name : options.queues) {
    const auto queue = QueueFromName(name);
    if (!queue) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown queue ", name,
                       ": a fleet has maildrop, hold, incoming, active and "
                       "deferred (a directory of this machine is given as an absolute path)"));
    }
    request.add_queues(static_cast<v1::Queue>(*queue));
  }
  request.set_axis(static_cast<v1::Axis>(options.axis));
  request.set_bucket_count(options.buckets.bucket_count);
  request.set_bucket_minutes(options.buckets.bucket_minutes);
  request.set_linear(options.buckets.linear);
  request.set_parents(options.rows.parents);
  request.set_min_subdomains(options.rows.min_subdomains);
  request.set_at_seconds(options.at_seconds.value_or(0));
  return request;
}

// A duration in its two largest units at most: 45s, 5m, 3h10m, 2d4h.
std::string Duration(int64_t seconds) {
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m");
  if (seconds < 86400) return absl::StrCat(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return absl::StrCat(seconds / 86400, "d", seconds % 86400 / 3600, "h");
}

std::string Notices(std::string_view state,
                    const google::protobuf::RepeatedPtrField<v1::RelayNotice>& relays) {
  if (relays.empty()) return "";
  std::vector<std::string> names;
  for (const v1::RelayNotice& relay : relays) {
    if (static_cast<int>(names.size()) == kMaxNotices) {
      names.push_back("...");
      break;
    }
    names.push_back(absl::StrCat(relay.cluster(), "/", relay.host(), "/", relay.instance(),
                                 " silent for ", Duration(relay.silent_seconds())));
  }
  return absl::StrCat(", ", relays.size(), " ", std::string(state), " (",
                      absl::StrJoin(names, ", "), ")");
}

std::string CoverageLine(const v1::Coverage& coverage) {
  return absl::StrCat(coverage.relays(),
                      coverage.relays() == 1 ? " relay: " : " relays: ", coverage.fresh(), " fresh",
                      Notices("stale", coverage.stale()), Notices("missing", coverage.missing()));
}

}  // namespace

int AnswerFromFleet(const CliOptions& options) {
  if (options.server.empty()) {
    PrintError(kProgram,
               "no aggregator to ask: give --server HOST:PORT, or set FLEETQSHAPE_SERVER or "
               "`server` in the configuration file that --help names; or read this machine's queue "
               "with --local");
    return kExitUsage;
  }
  const auto request = MakeRequest(options);
  if (!request.ok()) {
    PrintError(kProgram, std::string(request.status().message()));
    return kExitUsage;
  }
  const auto answer = AskForTable(options.server, *request);
  if (!answer.ok()) {
    std::string message(answer.status().message());
    if (absl::IsUnavailable(answer.status())) {
      message = absl::StrCat("no aggregator answers at ", options.server, " (", message,
                             "): is it running, and is this its query address?");
    } else if (absl::IsUnimplemented(answer.status())) {
      message = absl::StrCat(options.server,
                             " answers no questions: is this the aggregator's ingest "
                             "address? Its query address is needed");
    } else if (absl::IsDeadlineExceeded(answer.status())) {
      message = absl::StrCat(options.server,
                             " does not answer in time: is this an aggregator's "
                             "query address, and is it overloaded?");
    }
    PrintError(kProgram, message);
    return kExitError;
  }
  TextOptions text = options.text;
  if (isatty(STDOUT_FILENO) == 1) text.top_rows = options.redraw_rows;
  const bool printed = PrintText(TableText(answer->table, text));
  PrintError(kProgram, CoverageLine(answer->head.coverage()));
  return printed ? kExitOk : kExitError;
}

}  // namespace fleetqshape
