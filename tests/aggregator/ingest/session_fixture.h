// Streams without a transport, for tests of the aggregator's end of them.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_SESSION_FIXTURE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/ingest/ingest_sessions.h"
#include "tests/aggregator/ingest/engine_fixture.h"

namespace fleetqshape {

// Remembers what the session wants of it.
class FakeTransport final : public IngestSession::Transport {
 public:
  void Send(v1::AggregatorMessage message) override { sent.push_back(std::move(message)); }
  void ReadOn() override { ++reads; }
  void End(const absl::Status& status) override { ends.push_back(status); }

  std::vector<v1::AggregatorMessage> sent;
  int reads = 0;
  std::vector<absl::Status> ends;
};

// One agent's stream.
struct TestStream {
  std::shared_ptr<FakeTransport> transport;
  std::shared_ptr<IngestSession> session;

  // How the session answers a message.
  void Give(const v1::AgentMessage& message) {
    transport->reads = 0;
    session->OnMessage(message);
  }
  bool ReadsOn() const { return transport->reads == 1; }
  absl::StatusCode EndCode() const {
    EXPECT_LE(transport->ends.size(), 1U) << "a stream is ended once";
    return transport->ends.empty() ? absl::StatusCode::kOk : transport->ends.front().code();
  }
  void Close() {
    session->OnClosed();
    session.reset();
  }
};

// The engine works only when it is told to, and time stands still.
class SessionTest : public EngineTest {
 protected:
  void SetUp() override { Open(IngestLimits()); }
  void TearDown() override {
    sessions_.reset();
    EngineTest::TearDown();
  }
  void Open(const IngestLimits& limits) {
    sessions_.reset();
    engine_.reset();
    fleet_ = std::make_unique<Fleet>();
    engine_ =
        std::make_unique<IngestEngine>(&store_, fleet_.get(), &clock_, IngestEngine::Options());
    ASSERT_TRUE(engine_->Load().ok());
    sessions_ = std::make_unique<IngestSessions>(engine_.get(), &clock_, limits);
  }

  TestStream OpenStream(const std::string& peer = "ipv4:10.0.0.1:1") {
    TestStream stream{std::make_shared<FakeTransport>(), nullptr};
    auto session = sessions_->Open(peer, stream.transport);
    EXPECT_TRUE(session.ok()) << session.status();
    if (session.ok()) stream.session = *std::move(session);
    return stream;
  }
  static v1::AgentMessage HelloMessage(const std::string& host, uint64_t agent_id = 0) {
    v1::AgentMessage message;
    *message.mutable_hello() = HelloOf(host);
    message.mutable_hello()->set_agent_id(agent_id);
    return message;
  }
  // A stream that has had its welcome.
  TestStream OpenFor(const std::string& host, uint64_t agent_id = 0) {
    TestStream stream = OpenStream();
    stream.Give(HelloMessage(host, agent_id));
    EXPECT_TRUE(stream.ReadsOn());
    EXPECT_EQ(stream.transport->sent.size(), 1U);
    stream.transport->sent.clear();
    return stream;
  }
  static v1::AgentMessage Piece(const std::string& data, bool last, uint64_t report_bytes = 0) {
    v1::AgentMessage message;
    message.mutable_report_chunk()->set_data(data);
    message.mutable_report_chunk()->set_last(last);
    message.mutable_report_chunk()->set_report_bytes(report_bytes);
    return message;
  }
  static v1::AgentMessage Heartbeat() {
    v1::AgentMessage message;
    message.mutable_heartbeat();
    return message;
  }
  static std::string SnapshotBytes(uint64_t epoch, int64_t arrival = 1) {
    return ReportWriter().Snapshot(epoch, OneCell(arrival)).SerializeAsString();
  }
  static bool IsAcknowledged(const TestStream& stream, uint64_t epoch, uint64_t sequence) {
    return stream.transport->sent.size() == 1 &&
           IsAcknowledgement(stream.transport->sent.front(), epoch, sequence);
  }
  NamedCells CellsOf(const std::string& host) const {
    for (const RelayView& view : fleet_->Snapshot()) {
      if (view.description->identity.host == host) return Cells(view.id);
    }
    return {};
  }
  RelayId IdOf(const std::string& host) const {
    for (const RelayView& view : fleet_->Snapshot()) {
      if (view.description->identity.host == host) return view.id;
    }
    return 0;
  }
  size_t held() const { return sessions_->counters().held_bytes; }
  size_t waiting() const { return sessions_->counters().waiting; }

  test::FakeStore store_;
  std::unique_ptr<IngestSessions> sessions_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_SESSION_FIXTURE_H_
