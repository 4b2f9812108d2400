#include "aggregator/ingest/ingest_session.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "aggregator/ingest/report_parser.h"
#include "common/base/status_macros.h"

namespace fleetqshape {

IngestSession::IngestSession(IngestEngine* engine, HeldBytes* held, const Clock* clock,
                             const IngestLimits& limits, OnEnd on_end, std::string peer,
                             std::shared_ptr<Transport> transport)
    : engine_(*engine),
      held_(*held),
      clock_(*clock),
      limits_(limits),
      on_end_(std::move(on_end)),
      peer_(std::move(peer)),
      transport_(std::move(transport)),
      who_(absl::StrCat("agent at ", peer_.substr(0, peer_.rfind(':')))),  // ports are many
      deadline_(clock_.MonotonicMilliseconds() + limits_.hello_milliseconds) {}

std::shared_ptr<IngestSession::Transport> IngestSession::transport() const {
  MutexLock lock(mutex_);
  return transport_;
}

void IngestSession::End(const absl::Status& status) {
  std::shared_ptr<Transport> carrier;
  std::string who;
  {
    MutexLock lock(mutex_);
    if (transport_ == nullptr || std::exchange(ended_, true)) return;
    deadline_.reset();
    carrier = transport_;
    who = who_;
  }
  on_end_(who, status);
  carrier->End(status);
}

bool IngestSession::IsOver() const {
  MutexLock lock(mutex_);
  return transport_ == nullptr || ended_;
}

void IngestSession::OnMessage(v1::AgentMessage message) {
  if (IsOver()) return;
  const absl::StatusOr<Next> next = Handle(message);
  if (!next.ok()) {
    End(next.status());
  } else if (*next == Next::kReadOn) {
    if (const auto carrier = transport()) carrier->ReadOn();
  }
}

void IngestSession::OnClosed() {
  bool submitted = false;
  {
    MutexLock lock(mutex_);
    transport_.reset();
    deadline_.reset();
    submitted = awaiting_outcome_;
  }
  if (connection_) engine_.Disconnect(*connection_);
  // What waits need not, and nobody else will touch it; what was admitted meanwhile goes where it
  // is noticed that there is no stream any more.
  if (held_.Withdraw(ticket_)) report_ = std::string();
  if (!submitted) ReleaseReport();  // else at its outcome
}

void IngestSession::CheckDeadline() {
  {
    MutexLock lock(mutex_);
    if (!deadline_ || clock_.MonotonicMilliseconds() < *deadline_) return;
    deadline_.reset();
  }
  End(absl::DeadlineExceededError("the agent took too long for its hello, or for a report"));
}

absl::StatusOr<IngestSession::Next> IngestSession::Handle(v1::AgentMessage& message) {
  if (!connection_) {
    FQS_RETURN_IF_ERROR(HandleHello(message));
    return Next::kReadOn;
  }
  engine_.Heard(*connection_, message.clock_milliseconds());
  if (message.has_report_chunk()) return HandleChunk(*message.mutable_report_chunk());
  if (message.has_hello()) return absl::InvalidArgumentError("a second hello");
  return Next::kReadOn;
}

absl::Status IngestSession::HandleHello(const v1::AgentMessage& message) {
  if (!message.has_hello()) {
    return absl::InvalidArgumentError("the stream does not start with a hello");
  }
  FQS_ASSIGN_OR_RETURN(IngestEngine::Connection connection,
                       engine_.Connect(message.hello(), peer_, message.clock_milliseconds(),
                                       [weak = weak_from_this()] {
                                         if (const auto self = weak.lock()) self->OnReplaced();
                                       }));
  std::shared_ptr<Transport> carrier;
  {
    MutexLock lock(mutex_);
    who_ = absl::StrCat("relay ", message.hello().cluster(), "/", message.hello().host(), "/",
                        message.hello().instance());
    deadline_.reset();
    carrier = transport_;
  }
  if (carrier) carrier->Send(std::move(connection.welcome));
  connection_ = std::move(connection);
  return absl::OkStatus();
}

void IngestSession::OnReplaced() {
  End(absl::AbortedError("the agent has come back by another stream"));
}

absl::StatusOr<IngestSession::Next> IngestSession::HandleChunk(v1::ReportChunk& chunk) {
  if (chunk.data().size() > limits_.piece_bytes) {
    return absl::InvalidArgumentError("a piece of a report beyond the limit");
  }
  if (!assembling_) return BeginReport(chunk);
  if (chunk.report_bytes() != 0 && chunk.report_bytes() != report_bytes_) {
    return absl::InvalidArgumentError("a report begins before the last one's end");
  }
  if (chunk.data().size() > report_bytes_ - report_.size()) {
    return absl::InvalidArgumentError("a report has more bytes than it said");
  }
  report_.append(chunk.data());
  FQS_RETURN_IF_ERROR(CheckLast(chunk));
  if (chunk.last()) FQS_RETURN_IF_ERROR(SubmitReport());
  return Next::kReadOn;
}

absl::StatusOr<IngestSession::Next> IngestSession::BeginReport(v1::ReportChunk& chunk) {
  {
    MutexLock lock(mutex_);
    if (awaiting_outcome_) {
      return absl::InvalidArgumentError("a report before the last one's end");
    }
  }
  const uint64_t bytes = chunk.report_bytes() == 0 ? chunk.data().size() : chunk.report_bytes();
  if (bytes > limits_.report_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a report of ", bytes, " bytes: this aggregator takes up to ", limits_.report_bytes));
  }
  if (chunk.data().size() > bytes) {
    return absl::InvalidArgumentError("a report has more bytes than it said");
  }
  assembling_ = true;
  report_bytes_ = bytes;
  report_ = std::move(*chunk.mutable_data());
  FQS_RETURN_IF_ERROR(CheckLast(chunk));
  if (!held_.Hold(
          bytes, [self = shared_from_this()] { self->OnAdmitted(); }, &ticket_)) {
    return Next::kWait;
  }
  StartReportTime();
  if (chunk.last()) FQS_RETURN_IF_ERROR(SubmitReport());
  return Next::kReadOn;
}

absl::Status IngestSession::CheckLast(const v1::ReportChunk& chunk) const {
  if (chunk.last() == (report_.size() == report_bytes_)) return absl::OkStatus();
  return absl::InvalidArgumentError("a report does not end where it said");
}

void IngestSession::StartReportTime() {
  MutexLock lock(mutex_);
  holding_ = report_bytes_;
  deadline_ = clock_.MonotonicMilliseconds() + limits_.report_milliseconds;
}

void IngestSession::OnAdmitted() {
  StartReportTime();
  const auto carrier = transport();
  if (!carrier) {
    report_ = std::string();
    ReleaseReport();
    return;
  }
  // It is whole if it has come in one piece.
  if (report_.size() == report_bytes_) {
    const absl::Status submitted = SubmitReport();
    if (!submitted.ok()) {
      End(submitted);
      return;
    }
  }
  carrier->ReadOn();
}

absl::Status IngestSession::SubmitReport() {
  assembling_ = false;
  absl::StatusOr<v1::PackedReport> report = ParseReport(report_);
  report_ = std::string();
  FQS_RETURN_IF_ERROR(report.status());
  {
    MutexLock lock(mutex_);
    // What it holds is given back by whoever ended it.
    if (transport_ == nullptr || ended_) return absl::OkStatus();
    awaiting_outcome_ = true;
    deadline_.reset();
  }
  engine_.Submit(*connection_, *std::move(report), [self = shared_from_this()](auto outcome) {
    self->OnOutcome(std::move(outcome));
  });
  return absl::OkStatus();
}

void IngestSession::OnOutcome(IngestEngine::Outcome outcome) {
  std::shared_ptr<Transport> carrier;
  size_t holding = 0;
  {
    // At once: an agent that does not wait for the answer may begin its next report at any moment.
    MutexLock lock(mutex_);
    awaiting_outcome_ = false;
    holding = std::exchange(holding_, 0);
    carrier = transport_;
  }
  if (!outcome.ok()) {
    End(outcome.status());
  } else if (carrier) {
    carrier->Send(*std::move(outcome));
  }
  if (holding > 0) held_.Release(holding);
}

void IngestSession::ReleaseReport() {
  size_t holding = 0;
  {
    MutexLock lock(mutex_);
    holding = std::exchange(holding_, 0);
  }
  if (holding > 0) held_.Release(holding);
}

}  // namespace fleetqshape
