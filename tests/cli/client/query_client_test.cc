#include "cli/client/query_client.h"

#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "cli/client/table_request.h"
#include "fleetqshape/v1/query.grpc.pb.h"

namespace fleetqshape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Answers each question about mail with the same responses.
class FakeAggregator final : public v1::Query::Service {
 public:
  FakeAggregator() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~FakeAggregator() override { Stop(); }

  void Stop() { server_->Shutdown(std::chrono::system_clock::now()); }
  const std::string& address() const { return address_; }

  grpc::Status GetTable(grpc::ServerContext* context, const v1::TableRequest* request,
                        grpc::ServerWriter<v1::TableResponse>* writer) override {
    requests.push_back(*request);
    if (on_request) on_request();
    while (hangs && !context->IsCancelled()) std::this_thread::yield();
    for (const v1::TableResponse& response : responses) writer->Write(response);
    return status;
  }

  // To be set and read while no question is on its way.
  std::vector<v1::TableResponse> responses;
  grpc::Status status;
  std::vector<v1::TableRequest> requests;
  bool hangs = false;  // answers when the question is cancelled
  std::function<void()> on_request;

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

// Of two columns, with a row "a.example", and groups of these names.
v1::TableResponse Response(const std::vector<std::string>& groups) {
  v1::TableResponse response;
  response.mutable_head()->set_columns(2);
  response.mutable_head()->mutable_coverage()->set_relays(3);
  response.add_names("a.example");
  for (const std::string& group : groups) response.mutable_head()->add_groups()->set_name(group);
  for (size_t i = 0; i < std::max<size_t>(groups.size(), 1); ++i) {
    for (const uint64_t count : {5, 5}) {
      response.mutable_head()->add_total(count);
      response.add_counts(count);
    }
  }
  return response;
}

v1::TableRequest ByHost() {
  v1::TableRequest request;
  request.set_rows_by("host");
  return request;
}

TEST(QueryClient, ReadsAnAnswerInParts) {
  FakeAggregator aggregator;
  aggregator.responses = {Response({""}), Response({""})};
  aggregator.responses[1].clear_head();
  QueryClient client({aggregator.address()}, {});
  const auto answer = client.GetTable(ByHost());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->names, ElementsAre("a.example", "a.example"));
  EXPECT_THAT(answer->counts, ElementsAre(5, 5, 5, 5));
  EXPECT_EQ(answer->groups(), 1);
}

TEST(QueryClient, OlderAggregatorAnswersOldQuestionsOnly) {
  FakeAggregator aggregator;
  aggregator.responses = {Response({})};
  QueryClient client({aggregator.address()}, {});
  const auto plain = client.GetTable({});
  ASSERT_TRUE(plain.ok()) << plain.status();
  ASSERT_EQ(plain->groups(), 1);
  EXPECT_EQ(plain->head.groups(0).relays(), 3);
  const auto newer = client.GetTable(ByHost());
  EXPECT_TRUE(absl::IsFailedPrecondition(newer.status())) << newer.status();
  EXPECT_THAT(std::string(newer.status().message()), HasSubstr("is of another version"));
}

TEST(QueryClient, UnknownServiceMayBeAnotherVersion) {
  FakeAggregator aggregator;
  aggregator.status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
  QueryClient client({aggregator.address()}, {});
  EXPECT_THAT(std::string(client.GetTable({}).status().message()), HasSubstr("another version"));
}

TEST(QueryClient, NonsenseIsRefused) {
  FakeAggregator aggregator;
  QueryClient client({aggregator.address()}, {});
  std::vector<v1::TableResponse> wrong(6, Response({"a", "b"}));
  wrong[0].add_counts(1);
  wrong[1].add_names("b.example");
  wrong[2].clear_head();
  wrong[3].mutable_head()->set_columns(0);
  wrong[4].mutable_head()->add_total(1);
  wrong[5].mutable_head()->add_groups();
  for (const v1::TableResponse& response : wrong) {
    aggregator.responses = {response};
    EXPECT_TRUE(absl::IsDataLoss(client.GetTable({}).status())) << response.DebugString();
  }
  // Ages that were asked for must be there.
  aggregator.responses = {Response({"a", "b"})};
  v1::TableRequest request;
  request.set_ages(true);
  EXPECT_TRUE(absl::IsDataLoss(client.GetTable(request).status()));
}

TEST(QueryClient, StaysWithTheServerThatAnswers) {
  FakeAggregator first;
  FakeAggregator second;
  first.responses = second.responses = {Response({""})};
  const std::string away = first.address();
  first.Stop();
  QueryClient client({away, second.address()}, {});
  ASSERT_TRUE(client.GetTable({}).ok());
  EXPECT_EQ(client.server(), second.address());
  EXPECT_THAT(client.failures(), ElementsAre(HasSubstr(away)));
  ASSERT_TRUE(client.GetTable({}).ok());
  EXPECT_THAT(client.failures(), IsEmpty());
}

TEST(QueryClient, RefusalIsAnAnswer) {
  FakeAggregator first;
  FakeAggregator second;
  first.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no relay\nhas that");
  QueryClient client({first.address(), second.address()}, {});
  const auto answer = client.GetTable({});
  EXPECT_TRUE(absl::IsNotFound(answer.status()));
  EXPECT_EQ(std::string(answer.status().message()), "no relay\\x0ahas that");
  EXPECT_THAT(second.requests, IsEmpty());
}

TEST(QueryClient, CancelEndsTheQuestionUnderWayAndAllLaterOnes) {
  FakeAggregator aggregator;
  aggregator.hangs = true;
  std::promise<void> asked;
  aggregator.on_request = [&asked] { asked.set_value(); };
  QueryClient client({aggregator.address(), "127.0.0.1:1"}, {}, std::chrono::hours(1));
  std::thread canceller([&] {
    asked.get_future().wait();
    client.Cancel();
  });
  EXPECT_EQ(client.GetTable({}).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_EQ(client.GetTable({}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(client.ListRelays({}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(aggregator.requests.size(), 1);
}

TEST(AskForTable, FindsTheGroupToSortBy) {
  FakeAggregator aggregator;
  aggregator.responses = {Response({"gateway", "spam"})};
  for (v1::TableResponse& response : aggregator.responses) {
    for (int i = 0; i < 2; ++i) {
      response.add_median_ages(1);
      response.add_oldest_ages(1);
      response.mutable_head()->add_median_ages(1);
      response.mutable_head()->add_oldest_ages(1);
    }
  }
  CliOptions options;
  options.compare_key = "role";
  options.sort = "spam";
  QueryClient client({aggregator.address()}, {});
  const auto answer = AskForTable(options, TableRequestOf(options, false), &client);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(aggregator.requests.size(), 2);
  EXPECT_EQ(aggregator.requests[0].max_rows(), 1);
  EXPECT_EQ(aggregator.requests[1].order(), v1::ROW_ORDER_GROUP);
  EXPECT_EQ(aggregator.requests[1].order_group(), 1);
  EXPECT_EQ(aggregator.requests[1].max_rows(), 0);
  options.sort = "spma";
  const auto wrong = AskForTable(options, TableRequestOf(options, false), &client);
  EXPECT_EQ(std::string(wrong.status().message()),
            "--sort spma: no such group: did you mean spam?");
}

}  // namespace
}  // namespace fleetqshape
