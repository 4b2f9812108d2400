// Ingest.Connect over a socket, with clients that do as they like.
#include "aggregator/rpc/ingest_service.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"
#include "tests/aggregator/ingest/session_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::HasSubstr;

// One agent's stream, and a connection of its own.
class Client {
 public:
  explicit Client(int port, const std::function<void(grpc::ClientContext*)>& prepare = nullptr) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // So few bytes of answers that nobody asked for fit on the way.
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    stub_ = v1::Ingest::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
    context_.set_deadline(std::chrono::system_clock::now() + test::kPatience);
    if (prepare) prepare(&context_);
    stream_ = stub_->Connect(&context_);
  }
  ~Client() {
    context_.TryCancel();
    if (stream_) Finish();
  }

  bool Write(const v1::AgentMessage& message) { return stream_->Write(message); }
  v1::AggregatorMessage Read() {
    v1::AggregatorMessage message;
    EXPECT_TRUE(stream_->Read(&message));
    return message;
  }
  // How the aggregator ended the stream.
  grpc::Status ReadEnd() {
    v1::AggregatorMessage message;
    while (stream_->Read(&message)) {
    }
    return Finish();
  }
  grpc::Status Finish() { return std::exchange(stream_, nullptr)->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::Ingest::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::AggregatorMessage>> stream_;
};

class IngestServiceTest : public SessionTest {
 protected:
  void SetUp() override { Serve(IngestLimits()); }
  void TearDown() override {
    store_.Open();
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
    engine_->Stop();
    SessionTest::TearDown();
  }
  void Serve(const IngestLimits& limits) {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
    Open(limits);
    engine_->Start();
    service_ = MakeIngestService(sessions_.get());
    grpc::ServerBuilder builder;
    ApplyServerSettings(&builder);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(port_, 0);
  }
  void ServeWithHeld(size_t held_bytes) {
    IngestLimits limits;
    limits.report_bytes = limits.held_bytes = held_bytes;
    Serve(limits);
  }
  std::unique_ptr<Client> ClientFor(const std::string& host, uint64_t agent_id = 0) {
    auto client = std::make_unique<Client>(port_);
    EXPECT_TRUE(client->Write(HelloMessage(host, agent_id)));
    EXPECT_TRUE(client->Read().has_welcome());
    return client;
  }
  // How a stream ends with this message. One that ends while the welcome is still being written, as
  // far as the aggregator knows, is cancelled, and says nothing.
  grpc::StatusCode EndAfter(const v1::AgentMessage& message) {
    grpc::StatusCode code = grpc::StatusCode::CANCELLED;
    while (code == grpc::StatusCode::CANCELLED) {
      auto client = ClientFor("a", 7);
      client->Write(message);
      code = client->ReadEnd().error_code();
    }
    return code;
  }
  // Waits for what other threads do.
  static bool Eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + test::kPatience;
    while (!holds() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return holds();
  }

  int port_ = 0;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(IngestServiceTest, AReportIsAcknowledgedAndTheNextWelcomeKnowsOfIt) {
  auto client = ClientFor("a");
  const std::string bytes = SnapshotBytes(9);
  ASSERT_TRUE(client->Write(Piece("", false, bytes.size())));
  ASSERT_TRUE(client->Write(Piece(bytes.substr(0, 5), false)));
  ASSERT_TRUE(client->Write(Heartbeat()));
  ASSERT_TRUE(client->Write(Piece(bytes.substr(5), true)));
  EXPECT_TRUE(IsAcknowledgement(client->Read(), 9, 1));
  EXPECT_EQ(CellsOf("a"), OneCell(1));
  client.reset();
  ASSERT_TRUE(Eventually([&] { return !fleet_->View(IdOf("a")).connected; }));
  Client again(port_);
  ASSERT_TRUE(again.Write(HelloMessage("a")));
  EXPECT_EQ(again.Read().welcome().epoch(), 9U);
}

TEST_F(IngestServiceTest, AStreamThatBreaksTheProtocolIsEnded) {
  Client no_hello(port_);
  no_hello.Write(Heartbeat());
  EXPECT_EQ(no_hello.ReadEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const v1::AgentMessage& message :
       {Piece("abc", true, 2), Piece("abc", true, 4), Piece("abc", false), Piece("\xff", true)}) {
    EXPECT_EQ(EndAfter(message), grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(EndAfter(Piece("", false, ~uint64_t{0})), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Eventually([&] { return sessions_->counters().open == 0; }));
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestServiceTest, ACompressedMessageIsRefused) {
  Client client(port_, [](grpc::ClientContext* context) {
    context->set_compression_algorithm(GRPC_COMPRESS_GZIP);
  });
  v1::AgentMessage hello = HelloMessage("a");
  for (int i = 0; i < 30; ++i) {
    v1::Label* label = hello.mutable_hello()->add_labels();
    label->set_key("key" + std::to_string(i));
    label->set_value(std::string(200, 'a'));
  }
  client.Write(hello);
  EXPECT_FALSE(client.ReadEnd().ok());
  EXPECT_TRUE(fleet_->Snapshot().empty());
  EXPECT_TRUE(Eventually([&] { return sessions_->counters().open == 0; }));
}

TEST_F(IngestServiceTest, TheSameAgentTakesOverAtOnceAndAnotherOneIsRefused) {
  auto first = ClientFor("a", 7);
  Client other(port_);
  other.Write(HelloMessage("a", 8));
  const grpc::Status refused = other.ReadEnd();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  const std::string message = refused.error_message();
  const size_t peer = message.find("127.0.0.1:");
  ASSERT_NE(peer, std::string::npos) << message;
  EXPECT_NE(message.find("127.0.0.1:", peer + 1), std::string::npos) << message;
  auto second = ClientFor("a", 7);
  EXPECT_EQ(first->ReadEnd().error_code(), grpc::StatusCode::ABORTED);
  second->Write(Piece(SnapshotBytes(9), true));
  EXPECT_TRUE(IsAcknowledgement(second->Read(), 9, 1));
}

TEST_F(IngestServiceTest, AClientThatVanishesInMidReportGivesBackWhatItHeld) {
  ServeWithHeld(1'000'000);
  auto client = ClientFor("a");
  client->Write(Piece("", false, 900'000));
  client->Write(Piece("abc", false));
  auto waiting_client = ClientFor("b");
  ASSERT_TRUE(Eventually([&] { return held() == 900'000; }));
  waiting_client->Write(Piece("", false, 900'000));
  ASSERT_TRUE(Eventually([&] { return waiting() == 1; }));
  waiting_client.reset();
  EXPECT_TRUE(Eventually([&] { return waiting() == 0; }));
  EXPECT_EQ(held(), 900'000U);
  client.reset();
  EXPECT_TRUE(Eventually([&] { return held() == 0; }));
  EXPECT_TRUE(Eventually([&] { return sessions_->counters().open == 0; }));
}

// What a stream sends meanwhile stays with the one who sends it.
TEST_F(IngestServiceTest, AReportThatWaitsIsNotReadAndItsAgentStalls) {
  constexpr size_t kBytes = size_t{32} << 20;
  constexpr size_t kPieceBytes = size_t{64} << 10;
  ServeWithHeld(kBytes);
  auto first = ClientFor("a");
  const std::string bytes = SnapshotBytes(9);
  first->Write(Piece("", false, bytes.size()));
  auto second = ClientFor("b");
  ASSERT_TRUE(Eventually([&] { return held() == bytes.size(); }));
  std::atomic<size_t> written{0};
  std::thread writer([&] {
    const std::string piece(kPieceBytes, '\xff');
    second->Write(Piece("", false, kBytes));
    while (written < kBytes) {
      const size_t after = written + kPieceBytes;
      if (!second->Write(Piece(piece, after == kBytes))) return;
      written = after;
    }
  });
  ASSERT_TRUE(Eventually([&] { return waiting() == 1; }));
  // Another stream's whole life passes, and more than once.
  for (int i = 0; i < 20; ++i) {
    ClientFor("c" + std::to_string(i));
  }
  EXPECT_LT(written, kBytes / 2) << "it is not in this process's memory";
  EXPECT_EQ(waiting(), 1U);
  first->Write(Piece(bytes, true));
  EXPECT_TRUE(IsAcknowledgement(first->Read(), 9, 1));
  writer.join();
  EXPECT_EQ(written, kBytes);
  EXPECT_EQ(second->ReadEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "no protobuf";
  EXPECT_TRUE(Eventually([&] { return held() == 0; }));
}

// It would have answers pile up here, and its stream would never come to its end.
TEST_F(IngestServiceTest, AnAgentThatDoesNotReadItsAnswersIsEnded) {
  auto client = ClientFor("a");
  const v1::AgentMessage report = Piece(SnapshotBytes(9), true);
  uint64_t told = 0;
  while (sessions_->counters().ended == 0 && told < 100'000) {
    if (!client->Write(report)) break;
    ++told;
    ASSERT_TRUE(Eventually([&] {
      const auto counters = engine_->counters();
      return counters.reports + counters.duplicates >= told || sessions_->counters().ended > 0 ||
             sessions_->counters().open == 0;
    }));
  }
  EXPECT_LT(told, 100'000U);
  EXPECT_TRUE(Eventually([&] { return sessions_->counters().open == 0; }))
      << "though it still reads nothing";
  EXPECT_EQ(sessions_->counters().ended, 1U);
  EXPECT_FALSE(fleet_->View(IdOf("a")).connected);
  EXPECT_EQ(held(), 0U);
}

TEST_F(IngestServiceTest, AServerThatStopsEndsAllStreamsInAnyState) {
  auto idle = ClientFor("a");
  auto in_report = ClientFor("b");
  in_report->Write(Piece("", false, 1000));
  auto awaiting = ClientFor("c");
  const size_t begun = store_.begun();
  store_.Close();
  awaiting->Write(Piece(SnapshotBytes(9), true));
  store_.WaitUntilBegun(begun + 1);
  server_->Shutdown(std::chrono::system_clock::now());
  for (Client* client : {idle.get(), in_report.get(), awaiting.get()}) {
    EXPECT_FALSE(client->ReadEnd().ok());
  }
  store_.Open();
  engine_->Stop();
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(sessions_->counters().open, 0U);
  EXPECT_EQ(CellsOf("c"), OneCell(1));
}

}  // namespace
}  // namespace fleetqshape
