#include <cstdio>
#include <cstdlib>
#include <deque>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/ingest/fleet.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/ingest/report_parser.h"
#include "aggregator/store/rocksdb_store.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "tests/bench/report_sinks.h"

namespace fleetqshape {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "ingest_benchmark: %s\n", what.c_str());
  std::exit(1);
}

void Require(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

std::unique_ptr<Store> OpenStore(const std::string& directory) {
  auto store = OpenRocksDbStore(directory);
  Require(store.status());
  return *std::move(store);
}

class EngineSink final : public ReportSink {
 public:
  EngineSink(const std::string& directory, size_t relays, int parsing_threads)
      : store_(OpenStore(directory)), engine_(store_.get(), &fleet_, &clock_, {}) {
    Require(engine_.Load());
    engine_.Start();
    for (size_t i = 0; i < relays; ++i) {
      v1::Hello hello;
      hello.set_protocol_version(1);
      hello.set_cluster("eu");
      hello.set_host("relay" + std::to_string(i));
      hello.set_instance("postfix");
      hello.set_agent_version("0.1.0");
      v1::Label* label = hello.add_labels();
      label->set_key("role");
      label->set_value("gateway");
      const auto connection = engine_.Connect(hello, "peer", clock_.NowMilliseconds());
      Require(connection.status());
      connections_.push_back(*std::move(connection));
    }
    for (int i = 0; i < parsing_threads; ++i) threads_.emplace_back([this] { Run(); });
  }

  ~EngineSink() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      condition_.NotifyAll();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void Take(const Reports& reports) override {
    MutexLock lock(mutex_);
    reports_ = &reports;
    next_.assign(connections_.size(), 0);
    unfinished_ = connections_.size();
    for (size_t i = 0; i < connections_.size(); ++i) ready_.push_back(i);
    condition_.NotifyAll();
    while (unfinished_ > 0) finished_.Wait(mutex_);
  }

  uint64_t batches() const override { return engine_.counters().batches; }
  uint64_t changes() const override { return engine_.counters().cells; }

 private:
  // As the threads of gRPC: gets a relay's report ready and hands it over.
  void Run() {
    for (;;) {
      const std::string* bytes = nullptr;
      size_t relay = 0;
      {
        MutexLock lock(mutex_);
        while (ready_.empty() && !stopping_) condition_.Wait(mutex_);
        if (ready_.empty()) return;
        relay = ready_.front();
        ready_.pop_front();
        const std::vector<std::string>& all = (*reports_)[relay];
        if (next_[relay] == all.size()) {
          if (--unfinished_ == 0) finished_.NotifyOne();
          continue;
        }
        bytes = &all[next_[relay]++];
      }
      auto report = ParseReport(*bytes);
      Require(report.status());
      engine_.Submit(
          connections_[relay], *std::move(report),
          [this, relay](IngestEngine::Outcome outcome) { OnOutcome(relay, std::move(outcome)); });
    }
  }

  // In the engine's thread.
  void OnOutcome(size_t relay, IngestEngine::Outcome outcome) {
    Require(outcome.status());
    if (!outcome->has_acknowledgement()) Fail(outcome->ShortDebugString());
    MutexLock lock(mutex_);
    ready_.push_back(relay);
    condition_.NotifyOne();
  }

  const std::unique_ptr<Store> store_;
  const SystemClock clock_;
  Fleet fleet_;
  Mutex mutex_;
  ConditionVariable condition_;
  ConditionVariable finished_;
  const Reports* reports_ FQS_GUARDED_BY(mutex_) = nullptr;
  std::vector<size_t> next_ FQS_GUARDED_BY(mutex_);  // by relay, in *reports_
  std::deque<size_t> ready_ FQS_GUARDED_BY(mutex_);  // relays that have nothing in flight
  size_t unfinished_ FQS_GUARDED_BY(mutex_) = 0;
  bool stopping_ FQS_GUARDED_BY(mutex_) = false;
  std::vector<IngestEngine::Connection> connections_;
  std::vector<std::thread> threads_;
  IngestEngine engine_;  // ends first: it calls OnOutcome
};

}  // namespace

std::unique_ptr<ReportSink> MakeEngineSink(const std::string& directory, size_t relays,
                                           int parsing_threads) {
  return std::make_unique<EngineSink>(directory, relays, parsing_threads);
}

}  // namespace fleetqshape
