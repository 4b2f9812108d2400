// Query.ListRelays as a client gets it. (Tables are asked for by the integration tests.)

#include "aggregator/rpc/query_service.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape {
namespace {

using test::FileCountsOf;
using test::SettingsOf;
using test::TextOf;
using ::testing::HasSubstr;

class QueryServiceTest : public ::testing::Test {
 protected:
  QueryServiceTest() {
    grpc::ServerBuilder builder;
    ApplyServerSettings(&builder);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    stub_ = v1::Query::NewStub(server_->InProcessChannel(arguments));
  }

  // Adds a relay that was heard of just now and never reported a state.
  RelayId Add(const std::string& host, const std::map<std::string, std::string>& labels = {}) {
    const RelayId relay = ++last_;
    fleet_.Describe(relay, std::make_shared<const RelayDescription>(
                               RelayDescription{{"eu", host, "postfix"}, labels, "0.1.0"}));
    fleet_.Heard(relay, clock_.Now(), 5);
    return relay;
  }
  void Report(RelayId relay, const std::shared_ptr<RelayState>& state) {
    state->epoch = 1;
    fleet_.SetState(relay, state);
  }

  grpc::Status Ask(const v1::ListRelaysRequest& request, v1::ListRelaysResponse* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return Read(&context, request, response);
  }

  grpc::Status Read(grpc::ClientContext* context, const v1::ListRelaysRequest& request,
                    v1::ListRelaysResponse* response) {
    response->Clear();
    const auto stream = stub_->ListRelays(context, request);
    v1::ListRelaysResponse part;
    while (stream->Read(&part)) {
      ++responses_;
      response->MergeFrom(part);
    }
    return stream->Finish();
  }

  // Keeps the only thread that answers busy until the promise is kept.
  void Occupy(std::promise<void>* end) {
    std::promise<void> begun;
    ASSERT_TRUE(pool_.Submit([&begun, ended = end->get_future().share()] {
      begun.set_value();
      ended.wait();
    }));
    begun.get_future().wait();
  }

  test::ManualClock clock_;
  Fleet fleet_;
  const QueryEngine engine_{&fleet_, &clock_, {.stale_after_seconds = 60}};
  test::FakeStore store_;
  IngestEngine ingest_{&store_, &fleet_, &clock_, IngestEngine::Options()};  // has nothing to do
  WorkerPool pool_{1, 1};
  const std::unique_ptr<grpc::Service> service_ = MakeQueryService(&engine_, &ingest_, &pool_);
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Query::Stub> stub_;
  RelayId last_ = 0;
  int responses_ = 0;  // all that came
};

TEST_F(QueryServiceTest, ARelayIsListedWithAllThatIsKnownOfIt) {
  const RelayId relay = Add("gw1", {{"site", "fra1"}, {"role", "gateway"}});
  const auto state = EmptyRelayState();
  state->settings = std::make_shared<const v1::PostfixSettings>(SettingsOf(7));
  state->files = std::make_shared<const v1::FileCounts>(FileCountsOf(8));
  const std::vector<std::string_view> names = {"a.example"};
  state->names = RelayNames().With(names, &fleet_.names());
  state->sections[SectionIndex(Queue::kActive, Axis::kSenderDomain)] =
      std::make_shared<const Block>(Block{{0}, {0, 3}, {1, 1, 2}});
  Report(relay, state);
  fleet_.SetConnected(relay, true);
  v1::ListRelaysResponse response;
  const grpc::Status status = Ask({}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.at_seconds(), clock_.NowSeconds());
  ASSERT_EQ(response.relays_size(), 1);

  v1::RelayStatus expected;
  expected.set_cluster("eu");
  expected.set_host("gw1");
  expected.set_instance("postfix");
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"role", "gateway"}, {"site", "fra1"}}) {
    v1::Label* label = expected.add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  expected.set_agent_version("0.1.0");
  for (const Queue queue : kAllQueues) {
    v1::QueueMessages* messages = expected.add_queues();
    messages->set_queue(static_cast<v1::Queue>(queue));
    messages->set_messages(queue == Queue::kActive ? 3 : 0);
  }
  *expected.mutable_settings() = SettingsOf(7);
  *expected.mutable_files() = FileCountsOf(8);
  expected.set_heard_seconds(clock_.NowSeconds());
  expected.set_clock_offset_milliseconds(5);
  expected.set_connected(true);
  expected.set_freshness(v1::FRESHNESS_FRESH);
  EXPECT_EQ(TextOf(response.relays(0)), TextOf(expected));
}

TEST_F(QueryServiceTest, WhatIsUnknownIsNotThereAndFreshnessHasItsNumber) {
  Add("missing");
  Report(Add("stale"), EmptyRelayState());
  clock_.AdvanceSeconds(100);
  Report(Add("fresh"), EmptyRelayState());
  v1::ListRelaysResponse response;
  ASSERT_TRUE(Ask({}, &response).ok());
  ASSERT_EQ(response.relays_size(), 3);
  EXPECT_EQ(response.relays(0).host(), "fresh");
  EXPECT_EQ(response.relays(0).freshness(), v1::FRESHNESS_FRESH);
  EXPECT_FALSE(response.relays(0).has_settings());
  EXPECT_FALSE(response.relays(0).has_files());
  EXPECT_FALSE(response.relays(0).connected());
  EXPECT_EQ(response.relays(1).freshness(), v1::FRESHNESS_MISSING);
  EXPECT_EQ(response.relays(2).freshness(), v1::FRESHNESS_STALE);
}

TEST_F(QueryServiceTest, TheSelectionIsThatOfTables) {
  Add("a", {{"role", "gateway"}, {"rack", "r1"}});
  Add("b", {{"role", "gateway"}, {"rack", "r2"}});
  Add("c", {{"role", "spam"}, {"rack", "r2"}});
  v1::ListRelaysRequest request;
  request.mutable_selection()->add_clusters("eu");
  request.mutable_selection()->add_hosts("b");
  request.mutable_selection()->add_hosts("c");
  request.mutable_selection()->add_roles("gateway");
  v1::Match* match = request.mutable_selection()->add_matches();
  match->set_key("rack");
  match->add_values("r2");
  v1::ListRelaysResponse response;
  ASSERT_TRUE(Ask(request, &response).ok());
  ASSERT_EQ(response.relays_size(), 1);
  EXPECT_EQ(response.relays(0).host(), "b");

  match->set_values(0, "r1");
  const grpc::Status status = Ask(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_FALSE(status.error_message().empty());
}

TEST_F(QueryServiceTest, TooManyConditionsAreRefused) {
  Add("a");
  v1::ListRelaysRequest request;
  for (int i = 0; i < 1000; ++i) request.mutable_selection()->add_hosts("a");
  v1::ListRelaysResponse response;
  EXPECT_TRUE(Ask(request, &response).ok());
  request.mutable_selection()->add_hosts("a");
  EXPECT_EQ(Ask(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(QueryServiceTest, MoreRelaysThanAMessageHoldsComeInSeveral) {
  std::map<std::string, std::string> labels;
  for (int i = 0; i < 32; ++i) {
    const std::string number = std::to_string(i);
    labels[std::string(250, 'k') + number] = std::string(253, 'v');
  }
  for (int i = 100; i < 400; ++i) Add("h" + std::to_string(i), labels);
  v1::ListRelaysResponse response;
  const grpc::Status status = Ask({}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(response.ByteSizeLong(), static_cast<size_t>(kMaxMessageBytes));
  EXPECT_GT(responses_, 1);
  ASSERT_EQ(response.relays_size(), 300);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(response.relays(i).host(), "h" + std::to_string(100 + i));
}

TEST_F(QueryServiceTest, AQuestionIsTurnedAwayWhileTooManyWait) {
  Add("a");
  std::promise<void> end;
  Occupy(&end);
  ASSERT_TRUE(pool_.Submit([] {}));  // one waits
  v1::ListRelaysResponse response;
  const grpc::Status status = Ask({}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("busy"));
  end.set_value();
}

// The client gives up first: its answer goes nowhere, and the next question is answered.
TEST_F(QueryServiceTest, AQuestionWhoseDeadlinePassedHarmsNobody) {
  Add("a");
  std::promise<void> end;
  Occupy(&end);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::ListRelaysResponse response;
  EXPECT_EQ(Read(&context, {}, &response).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  end.set_value();
  grpc::Status status;
  do {
    status = Ask({}, &response);  // turned away while the one before still waits
  } while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace fleetqshape
