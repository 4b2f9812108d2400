#include "aggregator/metrics/metrics_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/metrics/listening_socket.h"
#include "tests/aggregator/metrics/http_client.h"

namespace fleetqshape {
namespace {

using test::Exchange;
using test::HttpClient;
using test::Scrape;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class MetricsServerTest : public ::testing::Test {
 protected:
  // Who is silent stays, unless a test says otherwise: none of them waits for that.
  static constexpr MetricsServer::Limits kPatient = {.connections = 16, .silent_seconds = 3600};

  void Start(const MetricsServer::Limits& limits = kPatient, const char* address = "127.0.0.1:0") {
    auto server = MetricsServer::Start(
        address, limits, [this] { return "answer " + std::to_string(++answers_) + "\n"; });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  const std::string& address() const { return server_->address(); }
  // Connections that send `text` and then nothing.
  std::vector<std::unique_ptr<HttpClient>> Stalled(size_t count, const std::string& text) const {
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (size_t i = 0; i < count; ++i) {
      clients.push_back(std::make_unique<HttpClient>(address()));
      EXPECT_TRUE(clients.back()->connected());
      clients.back()->Send(text);
    }
    return clients;
  }
  void ExpectScrape() const { EXPECT_THAT(Scrape(address()), StartsWith("HTTP/1.1 200 OK\r\n")); }

  std::atomic<int> answers_ = 0;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, EachScrapeGetsATextOfItsOwn) {
  Start();
  EXPECT_THAT(address(), MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  const std::string response = Scrape(address());
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response,
              HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: 9\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nanswer 1\n"));
  EXPECT_THAT(Scrape(address()), EndsWith("\r\n\r\nanswer 2\n"));
  EXPECT_THAT(Exchange(address(), "GET /metrics?name[]=x HTTP/1.0\r\n\r\n"),
              EndsWith("\r\n\r\nanswer 3\n"));
}

TEST_F(MetricsServerTest, AHeadRequestGetsTheHeadOnly) {
  Start();
  const std::string response = Exchange(address(), "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST_F(MetricsServerTest, OtherPathsAreNotFound) {
  Start();
  for (const char* path : {"/", "/metrics/", "/metricsx", "/../metrics", "/%00metrics", "*"}) {
    SCOPED_TRACE(path);
    EXPECT_THAT(Exchange(address(), std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 404 "));
  }
  EXPECT_EQ(answers_, 0);
}

TEST_F(MetricsServerTest, OtherMethodsAreNotAllowed) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "NONSENSE"}) {
    SCOPED_TRACE(method);
    const std::string response =
        Exchange(address(), std::string(method) + " /metrics HTTP/1.1\r\nHost: x\r\n" +
                                "Content-Length: 0\r\n\r\n");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(response, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  }
  EXPECT_EQ(answers_, 0);
}

// Whatever becomes of the one who sends it, others are served.
TEST_F(MetricsServerTest, BadRequestsDisturbNobody) {
  Start();
  const std::string long_head(100'000, 'a');
  for (const std::string& request :
       {std::string("\r\n\r\n\r\nnonsense\r\n\r\n"), std::string(1000, '\0') + "\r\n\r\n",
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
        "GET /" + long_head + " HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nX: " + long_head + "\r\n\r\n",
        std::string("POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        std::string("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n")}) {
    SCOPED_TRACE(request.substr(0, 60));
    const HttpClient client(address());
    client.Send(request);
    ExpectScrape();
  }
  EXPECT_EQ(answers_, 7);
}

TEST_F(MetricsServerTest, AHeadThatIsTooLongIsRefused) {
  Start();
  const std::string response =
      Exchange(address(), "GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n");
  EXPECT_THAT(response, Not(HasSubstr("200 OK")));
  EXPECT_EQ(answers_, 0);
}

TEST_F(MetricsServerTest, WhoDoesNotReadTheAnswerDisturbsNobody) {
  Start();
  for (int i = 0; i < 100; ++i) {
    const HttpClient client(address());
    client.Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  ExpectScrape();
}

// They fill the room for connections many times, and the oldest of them have to go.
TEST_F(MetricsServerTest, StalledConnectionsKeepNobodyOut) {
  Start();
  for (const char* text : {"", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: x\r\n",
                           "POST /x HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf"}) {
    SCOPED_TRACE(text);
    const auto clients = Stalled(200, text);
    ExpectScrape();
    EXPECT_THAT(clients.front()->ReadAll(), Not(HasSubstr("200 OK")));
    ExpectScrape();
  }
}

TEST_F(MetricsServerTest, AnOldConnectionStaysWhileThereIsRoom) {
  Start();
  const HttpClient old(address());
  old.Send("GET /metrics HTTP/1.1\r\n");
  for (int i = 0; i < 100; ++i) ExpectScrape();
  old.Send("Host: x\r\n\r\n");
  EXPECT_THAT(old.ReadAll(), EndsWith("answer 101\n"));
}

TEST_F(MetricsServerTest, ASilentConnectionIsClosed) {
  Start({.silent_seconds = 1});
  const HttpClient silent(address());
  const HttpClient stalled(address());
  stalled.Send("GET /metrics HTTP/1.1\r\n");
  EXPECT_THAT(silent.ReadAll(), IsEmpty());
  EXPECT_THAT(stalled.ReadAll(), Not(HasSubstr("200 OK")));
}

TEST_F(MetricsServerTest, ManyScrapesAtATimeAreAllAnswered) {
  Start();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int k = 0; k < 50; ++k) ExpectScrape();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers_, 400);
}

TEST_F(MetricsServerTest, TheEndClosesAllConnectionsAndThePort) {
  Start();
  const auto silent = Stalled(5, "");
  const auto stalled = Stalled(5, "GET /metrics HTTP/1.1\r\n");
  ExpectScrape();  // all are accepted
  const std::string was_at = address();
  server_.reset();
  for (const auto& client : silent) EXPECT_THAT(client->ReadAll(), IsEmpty());
  for (const auto& client : stalled) EXPECT_THAT(client->ReadAll(), IsEmpty());
  EXPECT_FALSE(HttpClient(was_at).connected());
  Start(kPatient, was_at.c_str());
  EXPECT_EQ(address(), was_at);
  ExpectScrape();
}

// At whatever moment: while requests come that it refuses by itself, too.
TEST_F(MetricsServerTest, TheEndMayComeAtAnyMoment) {
  const std::string long_head = "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n";
  for (int i = 0; i < 2000; ++i) {
    Start();
    const HttpClient client(address());
    client.Send(long_head);
    for (int k = 0; k < i % 40; ++k) std::this_thread::yield();
    server_.reset();
    EXPECT_THAT(client.ReadAll(), Not(HasSubstr("200 OK")));
  }
}

TEST_F(MetricsServerTest, AnAddressThatCannotBeHadIsAnError) {
  Start();
  const auto error_at = [](const std::string& where) {
    const auto server = MetricsServer::Start(where, {}, [] { return std::string(); });
    EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
    return std::string(server.status().message());
  };
  EXPECT_EQ(error_at(address()), "Address already in use");
  EXPECT_EQ(error_at("192.0.2.1:0"), "Cannot assign requested address");
  EXPECT_THAT(error_at("no.such.host.invalid:0"), Not(IsEmpty()));
  EXPECT_THAT(error_at("[nonsense]:0"), Not(IsEmpty()));
}

TEST_F(MetricsServerTest, ListensOnNames) {
  Start(kPatient, "localhost:0");
  EXPECT_THAT(address(), StartsWith("localhost:"));
  ExpectScrape();
}

TEST_F(MetricsServerTest, ListensOnIPv6OrSaysThatThereIsNone) {
  const auto listening = Listen("[::1]:0");
  if (!listening.ok()) {
    EXPECT_THAT(
        std::string(listening.status().message()),
        AnyOf("Address family not supported by protocol", "Cannot assign requested address"));
    return;
  }
  Start(kPatient, "[::1]:0");
  EXPECT_THAT(address(), StartsWith("[::1]:"));
  ExpectScrape();
  Start(kPatient, "[::]:0");
  EXPECT_THAT(Scrape("127.0.0.1" + address().substr(address().rfind(':'))), HasSubstr("200 OK"));
}

}  // namespace
}  // namespace fleetqshape
