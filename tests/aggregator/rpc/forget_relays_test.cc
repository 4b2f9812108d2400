// Query.ForgetRelays as a client gets it.

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/rpc/query_service.h"
#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"
#include "tests/aggregator/ingest/engine_fixture.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A fleet on a store that does as it is told, and a client.
class ForgetRelaysTest : public EngineTest {
 protected:
  void SetUp() override {
    StartOn(&store_);
    query_ = std::make_unique<QueryEngine>(fleet_.get(), &clock_, QueryEngine::Options());
    service_ = MakeQueryService(query_.get(), engine_.get(), &pool_);
    grpc::ServerBuilder builder;
    ApplyServerSettings(&builder);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Query::NewStub(server_->InProcessChannel({}));
  }
  // As the aggregator's main: the engine works until there are no calls any more.
  void TearDown() override {
    store_.Open();
    server_->Shutdown();
    EngineTest::TearDown();
  }

  // A relay that reported so many messages in deferred, and whose agent is gone.
  void AddGone(const std::string& host, size_t messages) {
    const RelayId relay = Connect(host).relay;
    NamedCells cells;
    for (size_t i = 0; i < messages; ++i) cells.insert({kQueue, Axis::kSenderDomain, "a", 1000});
    ReportWriter writer;
    SubmitSound(relay, writer.Snapshot(1, cells));
    Disconnect(relay);
  }

  static v1::ForgetRelaysRequest Request(const std::vector<std::string>& hosts,
                                         bool stranded = false) {
    v1::ForgetRelaysRequest request;
    for (const std::string& host : hosts) request.mutable_selection()->add_hosts(host);
    request.set_stranded(stranded);
    return request;
  }
  grpc::Status Ask(const v1::ForgetRelaysRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + test::kPatience);
    response_.Clear();
    return stub_->ForgetRelays(&context, request, &response_);
  }

  static std::vector<std::string> Hosts(
      const google::protobuf::RepeatedPtrField<v1::RelayStatus>& relays) {
    std::vector<std::string> hosts;
    for (const v1::RelayStatus& relay : relays) hosts.push_back(relay.host());
    return hosts;
  }
  // Of the relays that answers still have.
  std::vector<std::string> Known() const {
    std::vector<std::string> hosts;
    for (const RelayView& view : fleet_->Snapshot()) {
      hosts.push_back(view.description->identity.host);
    }
    return hosts;
  }
  void ExpectNothingForgotten() {
    EXPECT_EQ(engine_->counters().forgotten, 0U);
    for (const auto& batch : store_.batches()) {
      for (const RelayWrite& write : batch) EXPECT_FALSE(write.forget);
    }
  }

  test::FakeStore store_;
  std::unique_ptr<QueryEngine> query_;
  WorkerPool pool_{1, 4};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Query::Stub> stub_;
  v1::ForgetRelaysResponse response_;
};

TEST_F(ForgetRelaysTest, RelaysThatMatchAreForgottenAndListedAsTheyWere) {
  AddGone("a", 0);
  AddGone("b", 0);
  AddGone("c", 0);
  const int64_t heard = clock_.NowSeconds();
  clock_.AdvanceSeconds(7200);
  const grpc::Status status = Ask(Request({"c", "a"}));
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("a", "c"));
  EXPECT_EQ(response_.forgotten(0).cluster(), "eu");
  EXPECT_EQ(response_.forgotten(0).instance(), "postfix");
  EXPECT_EQ(response_.forgotten(0).heard_seconds(), heard);
  EXPECT_EQ(response_.forgotten(0).silent_seconds(), 7200);
  EXPECT_EQ(response_.forgotten(0).freshness(), v1::FRESHNESS_STALE);
  EXPECT_THAT(Hosts(response_.connected()), IsEmpty());
  EXPECT_THAT(Hosts(response_.stranded()), IsEmpty());
  EXPECT_THAT(Known(), ElementsAre("b"));
  EXPECT_EQ(store_.records().size(), 1U) << "not on the disk either";
}

TEST_F(ForgetRelaysTest, ASelectionWithoutAConditionIsRefused) {
  AddGone("a", 0);
  const grpc::Status status = Ask(Request({}, /*stranded=*/true));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("no condition"));
  ExpectNothingForgotten();
}

TEST_F(ForgetRelaysTest, EachKindOfConditionIsOne) {
  const auto forgets = [&](const auto& add) {
    AddGone("a", 0);
    v1::ForgetRelaysRequest request;
    add(request.mutable_selection());
    const grpc::Status status = Ask(request);
    return status.ok() && Hosts(response_.forgotten()) == std::vector<std::string>{"a"};
  };
  EXPECT_TRUE(forgets([](v1::Selection* selection) { selection->add_clusters("eu"); }));
  EXPECT_TRUE(forgets([](v1::Selection* selection) { selection->add_hosts("a"); }));
  EXPECT_TRUE(forgets([](v1::Selection* selection) {
    v1::Match* match = selection->add_matches();
    match->set_key("instance");
    match->add_values("postfix");
  }));
  EXPECT_FALSE(forgets([](v1::Selection* selection) { selection->add_roles("gateway"); }));
}

TEST_F(ForgetRelaysTest, NoMatchIsNotFoundAndSaysWhatThereIs) {
  AddGone("a", 0);
  const grpc::Status status = Ask(Request({"b"}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("there is: a"));
  ExpectNothingForgotten();
}

TEST_F(ForgetRelaysTest, ARelayWhoseAgentReportsStays) {
  Connect("b");
  AddGone("a", 0);
  AddGone("c", 3);
  const RelayId again = Connect("c").relay;
  for (const bool stranded : {false, true}) {
    ASSERT_TRUE(Ask(Request({"b", "c"}, stranded)).ok());
    EXPECT_THAT(Hosts(response_.forgotten()), IsEmpty());
    EXPECT_THAT(Hosts(response_.connected()), ElementsAre("b", "c"));
    EXPECT_THAT(Hosts(response_.stranded()), IsEmpty());
    EXPECT_TRUE(response_.connected(0).connected());
  }
  ExpectNothingForgotten();
  ASSERT_TRUE(Ask(Request({"a", "b"})).ok());
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("a"));
  EXPECT_THAT(Hosts(response_.connected()), ElementsAre("b"));
  Disconnect(again);
  ASSERT_TRUE(Ask(Request({"c"}, /*stranded=*/true)).ok());
  EXPECT_THAT(Known(), ElementsAre("b"));
}

TEST_F(ForgetRelaysTest, ARelayWhoseQueuesWereNotEmptyStaysUnlessThatIsMeant) {
  AddGone("a", 2);
  AddGone("b", 0);
  ASSERT_TRUE(Ask(Request({"a", "b"})).ok());
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("b"));
  ASSERT_THAT(Hosts(response_.stranded()), ElementsAre("a"));
  uint64_t messages = 0;
  for (const v1::QueueMessages& queue : response_.stranded(0).queues()) {
    messages += queue.messages();
  }
  EXPECT_EQ(messages, 2U);
  EXPECT_THAT(Known(), ElementsAre("a"));
  ASSERT_TRUE(Ask(Request({"a"}, /*stranded=*/true)).ok());
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("a"));
  EXPECT_THAT(Hosts(response_.stranded()), IsEmpty());
  EXPECT_THAT(Known(), IsEmpty());
}

// An agent comes, reports mail and ends between the look at the fleet and the batch.
TEST_F(ForgetRelaysTest, ARelayThatGetsMessagesMeanwhileStays) {
  const RelayId relay = Connect("a").relay;
  const RelayId busy = Connect("b").relay;
  ReportWriter writer;
  SubmitSound(relay, writer.Snapshot(1, {}));
  const v1::Report mail = writer.ReportTo({{kQueue, Axis::kSenderDomain, "a", 1000}});
  Disconnect(relay);
  // The engine is busy while somebody asks.
  const size_t begun = store_.begun();
  store_.Close();
  const test::PendingOutcome other = Submit(busy, ReportWriter().Snapshot(1, {}));
  store_.WaitUntilBegun(begun + 1);
  const test::PendingOutcome late = Submit(relay, mail);
  grpc::Status status;
  std::thread client([&] { status = Ask(Request({"a"})); });
  store_.Open();
  client.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(IsAcknowledgement(late.Wait(), 1, 2));
  EXPECT_THAT(Hosts(response_.forgotten()), IsEmpty());
  EXPECT_THAT(Hosts(response_.stranded()), ElementsAre("a"));
  EXPECT_THAT(Known(), ElementsAre("a", "b"));
}

// Its queues may hold anything.
TEST_F(ForgetRelaysTest, ARelayWhoseStateWasDamagedCountsAsOneWithMessages) {
  AddGone("a", 0);
  const RelayId relay = fleet_->Snapshot().at(0).id;
  const auto damaged = EmptyRelayState();
  damaged->damaged = true;
  fleet_->SetState(relay, damaged);
  ASSERT_TRUE(Ask(Request({"a"})).ok());
  EXPECT_THAT(Hosts(response_.stranded()), ElementsAre("a"));
  EXPECT_TRUE(response_.stranded(0).damaged());
  ASSERT_TRUE(Ask(Request({"a"}, /*stranded=*/true)).ok());
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("a"));
}

// A client takes UNAVAILABLE for an aggregator that is not there.
TEST_F(ForgetRelaysTest, AStoreThatTakesNoWritesIsSaidInItsOwnWords) {
  AddGone("a", 0);
  store_.AddResult(absl::ResourceExhaustedError("no space left on device"));
  for (int i = 0; i < 2; ++i) {  // when it fails, and while it does
    const grpc::Status status = Ask(Request({"a"}));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_THAT(status.error_message(), HasSubstr("nothing was forgotten"));
    EXPECT_THAT(status.error_message(), HasSubstr("no space left on device"));
    EXPECT_THAT(Known(), ElementsAre("a"));
  }
}

TEST_F(ForgetRelaysTest, TooManyRelaysForTheResponseAreAllKept) {
  std::map<std::string, std::string> labels;
  for (int i = 0; i < 32; ++i) {
    labels[std::string(250, 'k') + std::to_string(i)] = std::string(253, 'v');
  }
  for (RelayId i = 1; i <= 300; ++i) {
    const RelayIdentity identity{"eu", std::to_string(i), "postfix"};
    fleet_->Describe(1000 + i, std::make_shared<const RelayDescription>(
                                   RelayDescription{identity, labels, "0.1.0"}));
    fleet_->Heard(1000 + i, clock_.Now(), 0);
  }
  v1::ForgetRelaysRequest request;
  request.mutable_selection()->add_clusters("eu");
  const grpc::Status status = Ask(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("ask for fewer"));
  EXPECT_EQ(fleet_->Snapshot().size(), 300U);
}

// The client goes while the disk takes its time: its answer goes nowhere, the relay goes, and the
// next call is answered.
TEST_F(ForgetRelaysTest, AClientThatIsGoneHarmsNobody) {
  AddGone("a", 0);
  AddGone("b", 0);
  const size_t begun = store_.begun();
  store_.Close();
  grpc::ClientContext context;
  std::thread client([&] {
    v1::ForgetRelaysResponse response;
    EXPECT_EQ(stub_->ForgetRelays(&context, Request({"a"}), &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  store_.WaitUntilBegun(begun + 1);
  context.TryCancel();
  client.join();
  store_.Open();
  ASSERT_TRUE(Ask(Request({"b"})).ok());
  EXPECT_THAT(Hosts(response_.forgotten()), ElementsAre("b"));
  EXPECT_THAT(Known(), IsEmpty());
}

}  // namespace
}  // namespace fleetqshape
