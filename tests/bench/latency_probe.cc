// latency_probe: how long after a message is in the queue do answers have it?
//
//   latency_probe QUERY_ADDRESS QUEUE_DIRECTORY SAMPLES SECONDS [SEED]
//
// Puts SAMPLES messages into incoming, as Postfix does, at random moments of so many seconds, each
// with a recipient domain of its own, and asks the aggregator for incoming every 10 ms. A time is
// taken from just before the fchmod by which a message is complete until the first answer that has
// its domain has come; so it is too long by up to 10 ms. A message is taken out when it was seen.
//
// Prints as JSON: {"milliseconds": [each sample's], "missing": not seen within 30 s, "answers":
// how many, "most_milliseconds_an_answer": the longest that one took}.

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/rpc/channel.h"
#include "fleetqshape/v1/query.grpc.pb.h"
#include "tests/bench/message_source.h"
#include "tests/bench/queue_entry.h"

namespace fleetqshape {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval(10);
constexpr std::chrono::seconds kPatience(30);

double Milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

class Probe {
 public:
  Probe(const std::string& server, int samples, double seconds, uint64_t seed)
      : stub_(v1::Query::NewStub(MakeChannel(server))) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> moment(0, seconds);
    for (int i = 0; i < samples; ++i) moments_.push_back(moment(random));
    std::sort(moments_.begin(), moments_.end());
    request_.add_queues(v1::QUEUE_INCOMING);
    request_.set_axis(v1::AXIS_RECIPIENT_DOMAIN);
    request_.set_bucket_count(1);
    request_.set_bucket_minutes(5);
    request_.set_min_subdomains(5);
  }

  void Run() {
    const Clock::time_point start = Clock::now();
    for (size_t next = 0; next < moments_.size() || !waiting_.empty();) {
      const Clock::time_point poll = Clock::now() + kPollInterval;
      while (next < moments_.size() &&
             start + std::chrono::duration<double>(moments_[next]) <= Clock::now()) {
        Enter(next++);
      }
      Ask();
      GiveUp();
      std::this_thread::sleep_until(poll);
    }
  }

  void Print() const {
    std::printf("{\"milliseconds\": [");
    for (size_t i = 0; i < milliseconds_.size(); ++i) {
      std::printf("%s%.1f", i > 0 ? ", " : "", milliseconds_[i]);
    }
    std::printf("], \"missing\": %d, \"answers\": %d, \"most_milliseconds_an_answer\": %.1f}\n",
                missing_, answers_, Milliseconds(slowest_answer_));
  }

 private:
  struct Waiting {
    std::string id;
    Clock::time_point since;
  };

  void Enter(size_t number) {
    const std::string domain = Format("probe%zu.latency.example", number);
    const QueueEntry entry = EnterQueue();
    const Message message = SmallMessage(std::time(nullptr), "user@" + domain);
    waiting_[domain] = {entry.id, Clock::now()};
    CompleteEntry(entry, message.bytes);
  }

  void Ask() {
    if (waiting_.empty()) return;
    const Clock::time_point start = Clock::now();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    const auto stream = stub_->GetTable(&context, request_);
    v1::TableResponse response;
    std::vector<std::string> names;
    while (stream->Read(&response)) {
      names.insert(names.end(), response.names().begin(), response.names().end());
    }
    const grpc::Status status = stream->Finish();
    if (!status.ok()) {
      std::fprintf(stderr, "latency_probe: %s\n", status.error_message().c_str());
      std::exit(1);
    }
    const Clock::time_point end = Clock::now();
    ++answers_;
    slowest_answer_ = std::max(slowest_answer_, end - start);
    for (const std::string& name : names) {
      const auto seen = waiting_.find(name);
      if (seen == waiting_.end()) continue;
      milliseconds_.push_back(Milliseconds(end - seen->second.since));
      TakeOut(seen->second.id);
      waiting_.erase(seen);
    }
  }

  void GiveUp() {
    missing_ += static_cast<int>(std::erase_if(waiting_, [](const auto& waiting) {
      const bool late = Clock::now() - waiting.second.since > kPatience;
      if (late) TakeOut(waiting.second.id);
      return late;
    }));
  }

  static void TakeOut(const std::string& id) {
    if (unlink(("incoming/" + id).c_str()) != 0) FailWithErrno(id);
  }

  const std::unique_ptr<v1::Query::Stub> stub_;
  v1::TableRequest request_;
  std::vector<double> moments_;  // seconds after the start
  std::map<std::string, Waiting> waiting_;
  std::vector<double> milliseconds_;
  int missing_ = 0;
  int answers_ = 0;
  Clock::duration slowest_answer_{};
};

int Main(int argc, char** argv) {
  if (argc < 5 || argc > 6) {
    std::fputs("usage: latency_probe QUERY_ADDRESS QUEUE_DIRECTORY SAMPLES SECONDS [SEED]\n",
               stderr);
    return 2;
  }
  BecomeOwnerOf(std::string(argv[2]) + "/incoming");
  if (chdir(argv[2]) != 0) FailWithErrno(argv[2]);
  Probe probe(argv[1], std::atoi(argv[3]), std::atof(argv[4]),
              argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 1);
  probe.Run();
  probe.Print();
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) { return fleetqshape::Main(argc, argv); }
