// The aggregator's end of one agent's stream, without a transport: the hello, reports that come in
// pieces, heartbeats, and limits on all of it, since nothing that an agent sends is trusted.
#ifndef FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSION_H_
#define FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ingest/held_bytes.h"
#include "aggregator/ingest/ingest_engine.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "fleetqshape/v1/ingest.pb.h"

namespace fleetqshape {

struct IngestLimits {
  // A report beyond this is refused: 20 million recipients fit in.
  size_t report_bytes = size_t{64} << 20;
  // What the reports of all streams may take together, as they came. Parsed, they take about
  // as much; of many short names up to ten times. At least report_bytes.
  size_t held_bytes = size_t{128} << 20;
  // The time from the stream's start to its hello, and from the first piece of a report that was
  // admitted to its last.
  int64_t hello_milliseconds = 10'000;
  int64_t report_milliseconds = 60'000;
  // A piece of a report, as agents send them: what waits to be admitted holds one.
  size_t piece_bytes = size_t{64} << 10;
  // Streams at a time.
  size_t streams = 50'000;
};

// Safe for use by several threads, but OnMessage and OnClosed are the transport's, one at a time.
class IngestSession : public std::enable_shared_from_this<IngestSession> {
 public:
  // What carries the messages. Its functions may be called from any thread, also from within
  // OnMessage and, by threads that came too late, after OnClosed: they do nothing then, nor after
  // End.
  class Transport {
   public:
    virtual ~Transport() = default;
    virtual void Send(v1::AggregatorMessage message) = 0;
    // Asks for one more call of OnMessage. It may be long in coming: while nothing is read, the
    // agent gathers its changes.
    virtual void ReadOn() = 0;
    // Ends the stream. What was sent before may be lost.
    virtual void End(const absl::Status& status) = 0;
  };

  // Is told of each stream that this end ends: whose, and why.
  using OnEnd = std::function<void(const std::string& who, const absl::Status& status)>;

  // All outlive the session, which lets go of `transport` at OnClosed. `peer` is the agent's
  // address.
  IngestSession(IngestEngine* engine, HeldBytes* held, const Clock* clock,
                const IngestLimits& limits, OnEnd on_end, std::string peer,
                std::shared_ptr<Transport> transport);

  // The session answers with at most one ReadOn, at once or later.
  void OnMessage(v1::AgentMessage message);
  // The stream is gone.
  void OnClosed();
  // Ends the stream if the agent has taken too long.
  void CheckDeadline();

 private:
  // What becomes of a message.
  enum class Next { kReadOn, kWait };

  bool IsOver() const;
  absl::StatusOr<Next> Handle(v1::AgentMessage& message);
  absl::Status HandleHello(const v1::AgentMessage& message);
  void OnReplaced();
  absl::StatusOr<Next> HandleChunk(v1::ReportChunk& chunk);
  absl::StatusOr<Next> BeginReport(v1::ReportChunk& chunk);
  // Whether the piece that is the last one ends the report.
  absl::Status CheckLast(const v1::ReportChunk& chunk) const;
  // A report that had to wait may go on.
  void OnAdmitted();
  void StartReportTime();
  // All pieces are there.
  absl::Status SubmitReport();
  void OnOutcome(IngestEngine::Outcome outcome);
  // Gives back what the report under way holds.
  void ReleaseReport();
  // Ends the stream, once.
  void End(const absl::Status& status);
  std::shared_ptr<Transport> transport() const;

  IngestEngine& engine_;
  HeldBytes& held_;
  const Clock& clock_;
  const IngestLimits limits_;
  const OnEnd on_end_;
  const std::string peer_;

  // For OnMessage, and OnAdmitted, which comes between two of them.
  std::optional<IngestEngine::Connection> connection_;
  bool assembling_ = false;
  size_t report_bytes_ = 0;       // that all of it will have
  std::string report_;            // the pieces so far
  HeldBytes::Ticket ticket_ = 0;  // of the last report that had to wait

  mutable Mutex mutex_;
  std::shared_ptr<Transport> transport_ FQS_GUARDED_BY(mutex_);  // null: closed
  // The relay's name, once there was a sound hello; else the agent's address.
  std::string who_ FQS_GUARDED_BY(mutex_);
  bool ended_ FQS_GUARDED_BY(mutex_) = false;  // by this end
  bool awaiting_outcome_ FQS_GUARDED_BY(mutex_) = false;
  size_t holding_ FQS_GUARDED_BY(mutex_) = 0;               // of held_
  std::optional<int64_t> deadline_ FQS_GUARDED_BY(mutex_);  // monotonic milliseconds
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_INGEST_INGEST_SESSION_H_
