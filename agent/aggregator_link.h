// What one relay has with one aggregator: the report session, and the streams that carry it.
#ifndef FLEETQSHAPE_AGENT_AGGREGATOR_LINK_H_
#define FLEETQSHAPE_AGENT_AGGREGATOR_LINK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "agent/report/backoff.h"
#include "agent/report/report_session.h"
#include "agent/rpc/ingest_client.h"
#include "agent/watch/queue_model.h"
#include "common/base/clock.h"

namespace fleetqshape {

// Connects, reports, and connects again for as long as it is there. Nothing here waits for the
// aggregator, and links share nothing: one that gets no answer costs the others nothing. For one
// thread.
class AggregatorLink {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `model` and `clock` outlive the link. `random` gives random 64-bit numbers. `wake` is called,
  // from any thread, when it is time for Advance.
  AggregatorLink(const std::string& address, ReportSession::Options options,
                 const QueueModel* model, const Clock* clock, std::function<uint64_t()> random,
                 std::function<void()> wake);

  // What has to be told comes from here, to be followed by Advance.
  ReportSession& session() { return session_; }
  const ReportSession& session() const { return session_; }

  // Takes what came from the aggregator, connects if it is time to, and sends what there is to
  // send. The model must not be in the middle of a pass.
  void Advance();
  // When Advance has something to do though `wake` is not called before.
  TimePoint NextDeadline() const;

  const std::string& address() const { return address_; }
  // True if the aggregator takes what is reported.
  bool IsReporting() const;

 private:
  void Connect();
  void HandleMessage(const v1::AggregatorMessage& message);
  void HandleClosed(const absl::Status& status);

  const std::string address_;
  const Clock& clock_;
  ReportSession session_;
  Backoff backoff_;
  TimePoint next_connect_;
  bool connected_ = false;    // a stream is open, or being opened
  bool was_taken_ = false;    // something, on this stream; or there was nothing to say
  std::string last_problem_;  // without numbers
  std::map<std::string, TimePoint> logged_problems_;
  IngestClient client_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGENT_AGGREGATOR_LINK_H_
