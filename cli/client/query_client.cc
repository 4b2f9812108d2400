#include "cli/client/query_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/sync_stream.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/client/connection_trouble.h"
#include "cli/client/fleet_text.h"
#include "common/base/mutex.h"
#include "common/base/printable.h"
#include "common/base/status_macros.h"
#include "common/rpc/channel.h"
#include "common/rpc/tls.h"
#include "fleetqshape/v1/query.grpc.pb.h"

namespace fleetqshape {
namespace {

// Aggregators before 0.2 know no groups, and none of what is asked for with these.
bool NeedsNewerAggregator(const v1::TableRequest& request) {
  return !request.rows_by().empty() || request.names_size() > 0 || request.has_min_age_seconds() ||
         request.has_max_age_seconds() || request.has_comparison() ||
         request.order() != v1::ROW_ORDER_UNSPECIFIED || request.ages();
}

absl::Status AnotherVersion(const std::string& server) {
  return absl::FailedPreconditionError(
      absl::StrCat("the aggregator at ", server,
                   " is of another version than this command (" FLEETQSHAPE_VERSION
                   ") and does not know this question: update the older one"));
}

absl::Status Nonsense(const std::string& server) {
  return absl::DataLossError(absl::StrCat("the answer of ", server,
                                          " makes no sense: is it a fleetqshape-aggregator "
                                          "of this version (" FLEETQSHAPE_VERSION ")?"));
}

TlsFiles FilesOf(const TlsOptions& tls) {
  return {tls.ca_file, tls.certificate_file, tls.key_file};
}

absl::StatusOr<FleetTable> ReadTable(const std::shared_ptr<grpc::Channel>& channel,
                                     const std::string& server, const v1::TableRequest& request,
                                     grpc::ClientContext* context) {
  const auto stub = v1::Query::NewStub(channel);
  const auto stream = stub->GetTable(context, request);
  FleetTable answer;
  v1::TableResponse response;
  while (stream->Read(&response)) {
    const bool older =
        response.has_head() && response.head().groups_size() == 0 && NeedsNewerAggregator(request);
    if (older || !answer.Append(&response).ok()) {
      context->TryCancel();
      stream->Finish();
      return older ? AnotherVersion(server) : Nonsense(server);
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return ToAbslStatus(status);
  const bool has_all = answer.Finish().ok() && (answer.has_ages() || !request.ages());
  return has_all ? absl::StatusOr<FleetTable>(std::move(answer)) : Nonsense(server);
}

}  // namespace

// The call under way, which another thread may cancel.
class QueryClient::Calls {
 public:
  // A call, until it is destroyed.
  class Call {
   public:
    Call(Calls* calls, std::chrono::milliseconds patience) : calls_(*calls) {
      context_.set_deadline(std::chrono::system_clock::now() + patience);
      const MutexLock lock(calls_.mutex_);
      calls_.current_ = &context_;
      if (calls_.cancelled_) context_.TryCancel();
    }
    ~Call() {
      const MutexLock lock(calls_.mutex_);
      calls_.current_ = nullptr;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    grpc::ClientContext* context() { return &context_; }

   private:
    Calls& calls_;
    grpc::ClientContext context_;
  };

  void Cancel() {
    const MutexLock lock(mutex_);
    cancelled_ = true;
    if (current_ != nullptr) current_->TryCancel();
  }

  bool cancelled() {
    const MutexLock lock(mutex_);
    return cancelled_;
  }

 private:
  Mutex mutex_;
  grpc::ClientContext* current_ FQS_GUARDED_BY(mutex_) = nullptr;
  bool cancelled_ FQS_GUARDED_BY(mutex_) = false;
};

QueryClient::QueryClient(std::vector<std::string> servers, TlsOptions tls,
                         std::chrono::milliseconds patience, Reasons reasons)
    : servers_(std::move(servers)),
      tls_(std::move(tls)),
      patience_(patience),
      reasons_(reasons),
      calls_(std::make_unique<Calls>()),
      channels_(servers_.size()) {}

QueryClient::~QueryClient() = default;

void QueryClient::Cancel() { calls_->Cancel(); }

absl::StatusOr<FleetTable> QueryClient::GetTable(const v1::TableRequest& request) {
  FleetTable answer;
  FQS_RETURN_IF_ERROR(AskInTurn(true, [&](const auto& channel, const std::string& server) {
    Calls::Call call(calls_.get(), patience_);
    auto read = ReadTable(channel, server, request, call.context());
    if (read.ok()) answer = *std::move(read);
    return read.status();
  }));
  return answer;
}

absl::StatusOr<v1::ListRelaysResponse> QueryClient::ListRelays(
    const v1::ListRelaysRequest& request) {
  v1::ListRelaysResponse relays;
  FQS_RETURN_IF_ERROR(AskInTurn(true, [&](const auto& channel, const std::string& /*server*/) {
    relays.Clear();
    const auto stub = v1::Query::NewStub(channel);
    Calls::Call call(calls_.get(), patience_);
    const auto stream = stub->ListRelays(call.context(), request);
    v1::ListRelaysResponse response;
    while (stream->Read(&response)) relays.MergeFrom(response);
    return ToAbslStatus(stream->Finish());
  }));
  return relays;
}

absl::StatusOr<v1::ForgetRelaysResponse> QueryClient::ForgetRelays(
    const v1::ForgetRelaysRequest& request) {
  v1::ForgetRelaysResponse response;
  FQS_RETURN_IF_ERROR(AskInTurn(false, [&](const auto& channel, const std::string& /*server*/) {
    const auto stub = v1::Query::NewStub(channel);
    Calls::Call call(calls_.get(), patience_);
    return ToAbslStatus(stub->ForgetRelays(call.context(), request, &response));
  }));
  return response;
}

absl::Status QueryClient::AskInTurn(bool after_silence, const Ask& ask) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (tls_.enabled()) {
    FQS_ASSIGN_OR_RETURN(credentials, ClientTls(FilesOf(tls_)));
  }
  failures_.clear();
  for (size_t i = 0; i < servers_.size(); ++i) {
    const size_t index = (first_ + i) % servers_.size();
    const std::string& server = servers_[index];
    if (channels_[index] == nullptr) {
      channels_[index] = MakeChannel(server, kConnectMilliseconds, credentials);
    }
    const absl::Status status = ask(channels_[index], server);
    if (status.ok()) {
      first_ = index;
      return status;
    }
    if (calls_->cancelled()) return absl::CancelledError("the question was cancelled");
    // It would wait before it tries to connect again.
    channels_[index] = nullptr;
    const std::string failure = FailureOf(status, server);
    const bool silent =
        absl::IsUnavailable(status) || (after_silence && absl::IsDeadlineExceeded(status));
    if (!silent) return absl::Status(status.code(), failure);
    failures_.push_back(failure);
    if (servers_.size() == 1) return absl::Status(status.code(), failure);
  }
  return absl::UnavailableError(absl::StrJoin(failures_, "; "));
}

std::string QueryClient::FailureOf(const absl::Status& status, const std::string& server) const {
  if (reasons_ == Reasons::kNone || !absl::IsUnavailable(status)) {
    return FailureText(status, server);
  }
  const std::string own_words =
      reasons_ == Reasons::kGrpc
          ? PrintableName(absl::StrCat(" [gRPC: ", std::string(status.message()), "]"))
          : "";
  const ConnectionTrouble trouble = FindConnectionTrouble(server, tls_);
  if (trouble.connected && !trouble.text.empty()) {
    return absl::StrCat("no answer from ", server, ": ", PrintableName(trouble.text), own_words);
  }
  const std::string what = !trouble.connected ? trouble.text
                           : trouble.silent   ? "somebody is there, but says nothing: it may hang"
                                              : "somebody is there, but breaks the connection off";
  return absl::StrCat(FailureText(status, server, what), own_words);
}

}  // namespace fleetqshape
