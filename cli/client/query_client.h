// Asks aggregators.
#ifndef FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_
#define FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"
#include "cli/output/fleet_table.h"
#include "fleetqshape/v1/query.pb.h"

namespace grpc {
class Channel;
class ChannelCredentials;
}  // namespace grpc

namespace fleetqshape {

// Several aggregators of one fleet, of which the first that answers is asked; from then on that one
// first. Not safe for use by several threads, but for Cancel.
//
// An error's message is a line for people, with what to do. UNAVAILABLE: nobody answers;
// INVALID_ARGUMENT: also certificates that cannot be used; DATA_LOSS: an answer that makes no
// sense; FAILED_PRECONDITION: also an aggregator of another version; others are the aggregator's.
class QueryClient {
 public:
  // Longer than the largest answer takes; who waits longer has another problem.
  static constexpr std::chrono::milliseconds kPatience{30'000};

  // What failures say of a connection that did not come about.
  enum class Reasons {
    kNone,
    kPlain,  // may be found out by another connection, which takes some time
    kGrpc,   // also gRPC's own words
  };

  // `servers`: HOST:PORT, one at least.
  QueryClient(std::vector<std::string> servers, TlsOptions tls,
              std::chrono::milliseconds patience = kPatience, Reasons reasons = Reasons::kPlain);
  ~QueryClient();
  QueryClient(const QueryClient&) = delete;
  QueryClient& operator=(const QueryClient&) = delete;

  // The whole answer.
  absl::StatusOr<FleetTable> GetTable(const v1::TableRequest& request);
  // The relays that match.
  absl::StatusOr<v1::ListRelaysResponse> ListRelays(const v1::ListRelaysRequest& request);
  // Lets the aggregator forget relays. After DEADLINE_EXCEEDED it may do so yet.
  absl::StatusOr<v1::ForgetRelaysResponse> ForgetRelays(const v1::ForgetRelaysRequest& request);

  // For any thread: the question under way, and all later ones, fail soon with CANCELLED.
  void Cancel();

  // Whose answer the last one was.
  const std::string& server() const { return servers_[first_]; }
  // About the servers that were asked for the last answer and gave none, a line each.
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  class Calls;
  using Ask = std::function<absl::Status(const std::shared_ptr<grpc::Channel>& channel,
                                         const std::string& server)>;

  // Asks one after the other. `after_silence`: also the next one if one does not answer in time.
  absl::Status AskInTurn(bool after_silence, const Ask& ask);
  std::string FailureOf(const absl::Status& status, const std::string& server) const;

  const std::vector<std::string> servers_;
  const TlsOptions tls_;
  const std::chrono::milliseconds patience_;
  const Reasons reasons_;
  const std::unique_ptr<Calls> calls_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;  // of servers_; null: not made yet
  size_t first_ = 0;
  std::vector<std::string> failures_;
};

// What this command line wants to be told.
inline QueryClient::Reasons ReasonsFor(const CliOptions& options) {
  return options.verbose ? QueryClient::Reasons::kGrpc : QueryClient::Reasons::kPlain;
}

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_CLIENT_QUERY_CLIENT_H_
