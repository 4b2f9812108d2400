// Streams of the agent to aggregators that behave, that stand still and that are not there.

#include "agent/rpc/ingest_client.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/file_descriptor.h"
#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/ingest.grpc.pb.h"
#include "tests/support/loopback_listener.h"

namespace fleetqshape {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::LoopbackListener;

// The other end finishes after these.
constexpr int kMostRead = 6;

// Says welcome at once `welcomes` times, and reads only if it is to.
class FakeStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage> {
 public:
  FakeStream(bool reads, int welcomes, std::atomic<int>* read, std::atomic<int>* written)
      : reads_(reads), left_(welcomes), read_(*read), written_(*written) {}

  void Start() {
    outgoing_.mutable_welcome()->set_epoch(7);
    if (reads_) StartRead(&incoming_);
    WriteNext();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (++read_ == kMostRead) {
      Finish(grpc::Status::OK);
    } else {
      StartRead(&incoming_);
    }
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    ++written_;
    WriteNext();
  }
  void OnCancel() override {
    if (read_ < kMostRead) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    if (left_-- > 0) StartWrite(&outgoing_);
  }

  const bool reads_;
  int left_;
  std::atomic<int>& read_;
  std::atomic<int>& written_;
  v1::AgentMessage incoming_;
  v1::AggregatorMessage outgoing_;
};

class FakeService final : public v1::Ingest::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::AgentMessage, v1::AggregatorMessage>* Connect(
      grpc::CallbackServerContext*) override {
    auto* stream = new FakeStream(reads, welcomes, &read, &written);
    stream->Start();
    return stream;
  }

  bool reads = true;
  int welcomes = 1;
  std::atomic<int> read = 0;
  std::atomic<int> written = 0;
};

class IngestClientTest : public ::testing::Test {
 protected:
  std::string StartServer() {
    grpc::ServerBuilder builder;
    ApplyServerSettings(&builder);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    return "127.0.0.1:" + std::to_string(port);
  }
  ~IngestClientTest() override {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
  }

  std::unique_ptr<IngestClient> MakeClient(const std::string& address) {
    return std::make_unique<IngestClient>(address, [this] {
      MutexLock lock(mutex_);
      woken_ = true;
      condition_.NotifyAll();
    });
  }

  // Looks each time the client says that there is something new, for at most `longest`.
  template <typename Look>
  bool WaitUntil(const Look& look, seconds longest = seconds(20)) {
    const auto deadline = steady_clock::now() + longest;
    while (!look()) {
      MutexLock lock(mutex_);
      while (!std::exchange(woken_, false)) {
        if (steady_clock::now() >= deadline) return false;
        condition_.WaitUntil(mutex_, deadline);
      }
    }
    return true;
  }
  bool WaitForMessage(IngestClient* client) {
    return WaitUntil([client] { return client->TakeMessage().has_value(); });
  }
  std::optional<absl::Status> WaitForEnd(IngestClient* client) {
    std::optional<absl::Status> status;
    WaitUntil([&] {
      status = client->TakeClosed();
      return status.has_value();
    });
    return status;
  }

  // So much that no connection takes it in.
  static std::vector<v1::AgentMessage> Flood() {
    std::vector<v1::AgentMessage> messages(200);
    for (v1::AgentMessage& message : messages) {
      message.mutable_report_chunk()->set_data(std::string(size_t{256} << 10, 'x'));
    }
    return messages;
  }

  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  ConditionVariable condition_;
  bool woken_ FQS_GUARDED_BY(mutex_) = false;
};

TEST_F(IngestClientTest, BothEndsSpeakAndMoreIsWantedWhenAllIsWritten) {
  const auto client = MakeClient(StartServer());
  EXPECT_FALSE(client->WantsMore());
  client->Open();
  EXPECT_TRUE(client->WantsMore());
  for (int sent = 1; sent <= 3; ++sent) {
    client->Send(std::vector<v1::AgentMessage>(2));
    EXPECT_TRUE(WaitUntil([&] { return client->WantsMore(); }));
  }
  EXPECT_TRUE(WaitForMessage(client.get()));
  const auto status = WaitForEnd(client.get());
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->ok()) << *status;
  EXPECT_FALSE(client->WantsMore());
  EXPECT_FALSE(client->TakeClosed()) << "it is told once";
  EXPECT_EQ(service_.read, kMostRead);
}

TEST_F(IngestClientTest, MessagesThatNobodyTakesAreHeldBackAtTheOtherEnd) {
  service_.welcomes = 1'000'000;
  const auto client = MakeClient(StartServer());
  client->Open();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(WaitForMessage(client.get()));
  // HTTP/2 lets some 64 KiB of them be under way (they have a few bytes each).
  EXPECT_LT(service_.written, 200'000);
}

TEST_F(IngestClientTest, WhatTheOtherEndDoesNotTakeIsNotAskedForMore) {
  service_.reads = false;
  const auto client = MakeClient(StartServer());
  client->Open();
  ASSERT_TRUE(WaitForMessage(client.get()));
  client->Send(Flood());
  // Questions whether it is alive are answered all the while.
  EXPECT_FALSE(WaitUntil([&] { return client->WantsMore(); }, seconds(1)));
  EXPECT_FALSE(client->TakeClosed());
}

TEST_F(IngestClientTest, AStreamThatIsNotReadHoldsUpNeitherTheNextOneNorTheEnd) {
  service_.reads = false;
  auto client = MakeClient(StartServer());
  for (int i = 0; i < 3; ++i) {
    client->Open();
    ASSERT_TRUE(WaitForMessage(client.get()));
    client->Send(Flood());
    const auto begun = steady_clock::now();
    client->Open();
    EXPECT_LT(steady_clock::now() - begun, milliseconds(300));
    ASSERT_TRUE(WaitForMessage(client.get()));
    client->Send(Flood());
  }
  const auto begun = steady_clock::now();
  client.reset();
  EXPECT_LT(steady_clock::now() - begun, seconds(2));
}

TEST_F(IngestClientTest, AnEndWithAMessageThatNobodyTook) {
  auto client = MakeClient(StartServer());
  client->Open();
  int looks = 0;
  ASSERT_TRUE(WaitUntil([&looks] { return ++looks == 2; })) << "it did not wake anybody";
  const auto begun = steady_clock::now();
  client.reset();
  EXPECT_LT(steady_clock::now() - begun, milliseconds(400)) << "gRPC was done with it";
}

TEST_F(IngestClientTest, NobodyListens) {
  std::string address = StartServer();
  server_->Shutdown();
  server_.reset();
  const auto client = MakeClient(address);
  for (int i = 0; i < 3; ++i) {
    client->Open();
    const auto status = WaitForEnd(client.get());
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code(), absl::StatusCode::kUnavailable);
  }
  // The first attempt after it listens is a success, whatever came before.
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  client->Open();
  EXPECT_TRUE(WaitForMessage(client.get()));
}

// The kernel takes the connection, and nobody is behind it.
TEST_F(IngestClientTest, AnAttemptToConnectEndsInTime) {
  const LoopbackListener listener;
  const auto client = MakeClient(listener.address());
  const auto begun = steady_clock::now();
  client->Open();
  const auto status = WaitForEnd(client.get());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(steady_clock::now() - begun, milliseconds(kAgentConnectMilliseconds + 1500));
}

// gRPC's threads end with the last connection, and would wait for themselves if it ended in one of
// them.
TEST_F(IngestClientTest, TheLastConnectionNeverEndsInAThreadOfGrpc) {
  std::string address;
  {
    const LoopbackListener listener;
    address = listener.address();
  }
  for (int i = 0; i < 1000; ++i) {
    const auto client = MakeClient(address);
    client->Open();
    if (i % 2 == 0) {
      ASSERT_TRUE(WaitForEnd(client.get()));
    }
  }
}

// What gRPC still uses when the client is gone is left to it.
TEST_F(IngestClientTest, AConnectionThatHangsEndsAfterItsClient) {
  // HTTP/2 (RFC 9113): SETTINGS with an INITIAL_WINDOW_SIZE of 2^30, and as large a WINDOW_UPDATE
  // of the connection: what ends the flow is the kernel.
  constexpr std::string_view kLargeWindows(
      "\0\0\6\4\0\0\0\0\0\0\4\x40\0\0\0\0\0\4\x8\0\0\0\0\0\x40\0\0\0", 28);
  // gRPC in this process would share its threads with the client.
  auto listener = std::make_optional<LoopbackListener>();
  const std::string address = listener->address();
  auto client = MakeClient(address);
  client->Open();
  {
    const FileDescriptor hanging = listener->Accept();
    ASSERT_EQ(write(hanging.get(), kLargeWindows.data(), kLargeWindows.size()),
              static_cast<ssize_t>(kLargeWindows.size()));
    client->Send(Flood());
    EXPECT_FALSE(WaitUntil([&] { return client->WantsMore(); }, seconds(1)));
    const auto begun = steady_clock::now();
    client.reset();
    EXPECT_LT(steady_clock::now() - begun, seconds(2));
  }
  listener.reset();
  // It is broken off now. The next one is served as ever.
  client = MakeClient(address);
  client->Open();
  ASSERT_TRUE(WaitForEnd(client.get()));
}

}  // namespace
}  // namespace fleetqshape
