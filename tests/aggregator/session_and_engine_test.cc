// The agent's and the aggregator's end of the report protocol, joined without a transport: random
// queues, connections that break at any point, reports that come twice, writes that fail, and
// restarts of either side. Whatever happens, an acknowledged state is on the disk, and once all is
// quiet the aggregator holds what the agent's model holds.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/report/report_session.h"
#include "agent/watch/queue_model.h"
#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/store/rocksdb_store.h"
#include "fleetqshape/v1/ingest.pb.h"
#include "fleetqshape/v1/report.pb.h"
#include "tests/aggregator/ingest/fake_store.h"
#include "tests/aggregator/relay_reports.h"
#include "tests/support/envelope_maker.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_files.h"
#include "tests/support/named_cells.h"
#include "tests/support/random_source.h"
#include "tests/support/relay_facts.h"
#include "tests/support/temporary_directory.h"

namespace fleetqshape {
namespace {

using test::NamedCells;
using test::PendingOutcome;
using test::TextOf;

// How often what happened, over many runs: a run in which nothing goes wrong proves little.
struct Events {
  uint64_t acknowledged = 0;
  uint64_t duplicates = 0;
  uint64_t failed_writes = 0;
  uint64_t cut_reports = 0;
  uint64_t lost_outcomes = 0;
  uint64_t overtaken_writes = 0;  // a reconnect while the report was still being written
  uint64_t agent_restarts = 0;
  uint64_t aggregator_restarts = 0;
  uint64_t renewed_names = 0;
  uint64_t deltas = 0;
  uint64_t deltas_with_facts = 0;  // settings or file counts, or both
  uint64_t forgotten_facts = 0;    // a new agent does not know what the one before told
};

// What is in a relay's queue; it outlives the agent.
struct QueuedMessage {
  Queue queue;
  int64_t version;
  int64_t arrival;
  std::string sender;
  std::vector<std::string> recipients;
};

// One agent process.
struct Agent {
  Agent(const ReportSession::Options& options, const Clock* clock, std::function<uint64_t()> random)
      : session(options, &model, clock, std::move(random)) {}

  QueueModel model{
      [this](const Cell& cell, int64_t change) { session.OnCellChange(cell, change); }};
  ReportSession session;
};

// A relay, its agent, and the connection that it has with the aggregator.
struct Relay {
  std::string host;
  std::map<ino_t, QueuedMessage> disk;
  ino_t next_inode = 1;
  // Null: its agent does not know.
  std::shared_ptr<const v1::PostfixSettings> settings;
  std::shared_ptr<const v1::FileCounts> files;
  std::unique_ptr<Agent> agent;

  bool connected = false;
  std::deque<v1::AgentMessage> to_aggregator;
  std::deque<v1::AggregatorMessage> to_agent;
  std::optional<RelayId> id;  // once the aggregator has the hello
  std::string report_bytes;   // of the chunks that came

  struct Submitted {
    v1::Report report;
    PendingOutcome outcome;
    bool listening = true;  // the connection that it came by is still there
  };
  std::deque<Submitted> submitted;
};

class Simulation {
 public:
  Simulation(uint64_t seed, Events* events)
      : random_(seed), events_(*events), relays_(random_.OneIn(2) ? 1 : 2) {
    for (size_t i = 0; i < relays_.size(); ++i) {
      relays_[i].host = "relay" + std::to_string(i);
      StartAgent(relays_[i]);
    }
    OpenAggregator();
  }
  ~Simulation() { CloseAggregator(); }

  void Run() {
    for (int64_t steps = random_.Between(50, 300); steps > 0; --steps) {
      Step(relays_[static_cast<size_t>(
          random_.Between(0, static_cast<int64_t>(relays_.size()) - 1))]);
      if (::testing::Test::HasFailure()) return;
    }
    ComeToRest();
    if (::testing::Test::HasFailure()) return;
    CheckAll("at rest");
    RestartAggregator();
    CheckAll("after a restart of the aggregator at rest");
  }

 private:
  void Step(Relay& relay) {
    clock_.AdvanceMilliseconds(random_.Between(0, 3000));
    const int64_t what = random_.Between(1, 1000);
    if (what <= 210) {
      ChangeQueue(relay);
    } else if (what <= 250) {
      ChangeFacts(relay);
    } else if (what <= 550) {
      Converse(relay);
    } else if (what <= 650) {
      SendOutgoing(relay);
    } else if (what <= 750) {
      DeliverToAggregator(relay);
    } else if (what <= 800) {
      TakeOutcome(relay);
    } else if (what <= 880) {
      DeliverToAgent(relay);
    } else if (what <= 940) {
      if (!relay.connected) ConnectAgent(relay);
    } else if (what <= 955) {
      Disconnect(relay);
    } else if (what <= 962) {
      store_->AddResult(absl::ResourceExhaustedError("the disk is full"));
      ++events_.failed_writes;
    } else if (what <= 970) {
      store_closed_ = !store_closed_;
      store_closed_ ? store_->Close() : store_->Open();
    } else if (what <= 985) {
      SubmitAgain(relay);
    } else if (what <= 989) {
      relay.agent->model.RenewNames();
      relay.agent->session.OnNamesRenewed();
      ++events_.renewed_names;
    } else if (what <= 993) {
      Disconnect(relay);
      StartAgent(relay);
      ++events_.agent_restarts;
    } else if (what <= 996) {
      RestartAggregator();
    } else {
      clock_.AdvanceSeconds(random_.Between(-100'000, 100'000));
    }
  }

  // As it goes when nothing goes wrong.
  void Converse(Relay& relay) {
    if (!relay.connected) ConnectAgent(relay);
    SendOutgoing(relay);
    DeliverToAggregator(relay);
    TakeOutcome(relay);
    DeliverToAgent(relay);
  }

  // A pass over a queue in which mail came, moved, went, or was delivered in part.
  void ChangeQueue(Relay& relay) {
    for (int64_t left = random_.Between(1, 5); left > 0; --left) {
      const int64_t what = random_.Between(1, 10);
      if (relay.disk.empty() || what <= 4) {
        relay.disk[relay.next_inode++] = RandomMessage();
        continue;
      }
      const auto message = std::next(
          relay.disk.begin(), random_.Between(0, static_cast<int64_t>(relay.disk.size()) - 1));
      if (what <= 6) {
        message->second.queue = random_.OneOf(kAllQueues);
        message->second.version = ++version_;
      } else if (what <= 8) {
        if (message->second.recipients.size() > 1) message->second.recipients.pop_back();
        message->second.version = ++version_;
      } else {
        relay.disk.erase(message);
      }
    }
    LookAtQueue(relay);
  }

  void LookAtQueue(Relay& relay) {
    QueueModel& model = relay.agent->model;
    model.BeginPass();
    for (const auto& [inode, message] : relay.disk) {
      const auto version = static_cast<FileVersion>(message.version);
      if (test::SeeFile(inode, message.queue, version, &model)) continue;
      test::PutFile(inode, message.queue,
                    envelopes_.Make(message.arrival, message.sender, message.recipients), &model,
                    version);
    }
    model.EndPass({kAllQueues.begin(), kAllQueues.end()});
  }

  // The relay is configured anew, or its files are counted.
  void ChangeFacts(Relay& relay) {
    if (random_.OneIn(3)) {
      relay.settings = std::make_shared<const v1::PostfixSettings>(test::RandomSettings(random_));
    } else {
      relay.files = std::make_shared<const v1::FileCounts>(test::RandomFileCounts(random_));
    }
    TellFacts(relay);
  }

  template <typename Message>
  void Forget(std::shared_ptr<const Message>* fact) {
    events_.forgotten_facts += *fact != nullptr ? 1 : 0;
    fact->reset();
  }

  void TellFacts(Relay& relay) {
    if (relay.settings != nullptr) relay.agent->session.SetSettings(*relay.settings);
    if (relay.files != nullptr) relay.agent->session.SetFileCounts(*relay.files);
  }

  QueuedMessage RandomMessage() {
    const auto address = [this] {
      return "u@d" + std::to_string(random_.Between(1, random_.OneIn(2) ? 5 : 500)) + ".example";
    };
    QueuedMessage message{random_.OneOf(kAllQueues),
                          ++version_,
                          1'700'000'000 - random_.Between(0, 100),
                          address(),
                          {}};
    for (int64_t left = random_.Between(1, 3); left > 0; --left) {
      message.recipients.push_back(address());
    }
    return message;
  }

  void StartAgent(Relay& relay) {
    ReportSession::Options options;
    options.hello = test::HelloOf(relay.host);
    options.chunk_bytes =
        static_cast<size_t>(random_.OneIn(2) ? random_.Between(5, 60) : 1'000'000);
    if (random_.OneIn(2)) options.outgoing_bytes = options.chunk_bytes * 3;
    relay.agent = std::make_unique<Agent>(options, &clock_, [this] { return random_.Bits(); });
    if (random_.OneIn(3)) Forget(&relay.settings);
    if (random_.OneIn(3)) Forget(&relay.files);
    TellFacts(relay);
    LookAtQueue(relay);
  }

  void ConnectAgent(Relay& relay) {
    for (const Relay::Submitted& one : relay.submitted) {
      events_.overtaken_writes += one.outcome.HasCome() ? 0 : 1;
    }
    relay.connected = true;
    relay.agent->session.OnConnected();
  }

  // Whatever was on its way is lost.
  void Disconnect(Relay& relay) {
    if (!relay.connected) return;
    events_.cut_reports += relay.report_bytes.empty() ? 0 : 1;
    for (Relay::Submitted& one : relay.submitted) {
      events_.lost_outcomes += one.listening ? 1 : 0;
      one.listening = false;
    }
    relay.connected = false;
    relay.to_aggregator.clear();
    relay.to_agent.clear();
    relay.report_bytes.clear();
    if (relay.id) engine_->Disconnect(*relay.id);
    relay.id.reset();
    relay.agent->session.OnDisconnected();
  }

  void SendOutgoing(Relay& relay) {
    if (random_.OneIn(2)) relay.agent->session.OnQueueSeen();  // else what changed waits
    for (v1::AgentMessage& message : relay.agent->session.TakeOutgoing()) {
      EXPECT_TRUE(relay.connected) << message.ShortDebugString();
      relay.to_aggregator.push_back(std::move(message));
    }
  }

  void DeliverToAggregator(Relay& relay) {
    // Mostly several at a time, else long reports would never be cut.
    for (int64_t left = random_.Between(1, 20); left > 0 && !relay.to_aggregator.empty(); --left) {
      const v1::AgentMessage message = std::move(relay.to_aggregator.front());
      relay.to_aggregator.pop_front();
      if (message.has_hello()) {
        ASSERT_FALSE(relay.id);
        const auto connection =
            engine_->Connect(message.hello(), "peer", message.clock_milliseconds());
        ASSERT_TRUE(connection.ok()) << connection.status();
        relay.id = connection->relay;
        relay.to_agent.push_back(connection->welcome);
        continue;
      }
      ASSERT_TRUE(relay.id) << "the stream does not start with a hello";
      engine_->Heard(*relay.id, message.clock_milliseconds());
      if (!message.has_report_chunk()) continue;
      relay.report_bytes += message.report_chunk().data();
      if (!message.report_chunk().last()) continue;
      v1::Report report;
      ASSERT_TRUE(report.ParseFromString(relay.report_bytes));
      relay.report_bytes.clear();
      Submit(relay, report, true);
    }
  }

  void Submit(Relay& relay, const v1::Report& report, bool listening) {
    Relay::Submitted& one = relay.submitted.emplace_back();
    one.report = report;
    one.listening = listening;
    engine_->Submit(*relay.id, report, one.outcome.Callback());
  }

  // The last report comes once more, by a connection that is gone.
  void SubmitAgain(Relay& relay) {
    if (!relay.id || relay.submitted.empty()) return;
    Submit(relay, v1::Report(relay.submitted.back().report), false);
    ++events_.duplicates;
  }

  void TakeOutcome(Relay& relay) {
    if (relay.submitted.empty() || (store_closed_ && !relay.submitted.front().outcome.HasCome())) {
      return;
    }
    const Relay::Submitted one = std::move(relay.submitted.front());
    relay.submitted.pop_front();
    const IngestEngine::Outcome outcome = one.outcome.Wait();
    if (!outcome.ok()) {
      EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
      if (one.listening) Disconnect(relay);
      return;
    }
    if (!one.listening) return;
    // With one report in flight and no defect nobody ever has to ask for a snapshot.
    EXPECT_TRUE(outcome->has_acknowledgement()) << outcome->ShortDebugString();
    ++events_.acknowledged;
    if (one.report.sequence() > 1) {
      ++events_.deltas;
      events_.deltas_with_facts += one.report.has_settings() || one.report.has_files() ? 1 : 0;
    }
    EXPECT_EQ(outcome->acknowledgement().epoch(), one.report.epoch());
    EXPECT_EQ(outcome->acknowledgement().sequence(), one.report.sequence());
    const auto state = fleet_->View(*relay.id).state;
    EXPECT_EQ(state->epoch, one.report.epoch());
    EXPECT_EQ(state->sequence, one.report.sequence());
    EXPECT_EQ(state->digest, one.report.digest());
    EXPECT_EQ(test::DigestOf(test::CellsOfState(*state, fleet_->names())), state->digest);
    if (one.report.has_settings()) {
      EXPECT_EQ(TextOf(state->settings), TextOf(one.report.settings()));
    }
    if (one.report.has_files()) {
      EXPECT_EQ(TextOf(state->files), TextOf(one.report.files()));
    }
    relay.to_agent.push_back(*outcome);
  }

  void DeliverToAgent(Relay& relay) {
    if (relay.to_agent.empty()) return;
    relay.agent->session.OnMessage(relay.to_agent.front());
    relay.to_agent.pop_front();
  }

  void OpenAggregator() {
    auto opened = OpenRocksDbStore(directory_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    rocksdb_ = *std::move(opened);
    store_ = std::make_unique<test::FakeStore>(rocksdb_.get());
    store_closed_ = false;
    fleet_ = std::make_unique<Fleet>();
    engine_ = std::make_unique<IngestEngine>(store_.get(), fleet_.get(), &clock_);
    const absl::Status started = engine_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  void CloseAggregator() {
    if (store_ != nullptr) store_->Open();
    engine_.reset();
    store_.reset();
    rocksdb_.reset();
  }
  void RestartAggregator() {
    ++events_.aggregator_restarts;
    for (Relay& relay : relays_) Disconnect(relay);
    CloseAggregator();
    std::map<RelayIdentity, RelayView> before;
    for (const RelayView& view : fleet_->Snapshot()) before[view.description->identity] = view;
    const std::unique_ptr<Fleet> fleet_before = std::exchange(fleet_, nullptr);
    for (Relay& relay : relays_) relay.submitted.clear();
    OpenAggregator();
    ASSERT_NE(fleet_, nullptr);
    // All that was seen before was on the disk.
    for (const RelayView& view : fleet_->Snapshot()) {
      const RelayView& was = before[view.description->identity];
      EXPECT_EQ(view.id, was.id);
      EXPECT_EQ(view.state->epoch, was.state->epoch);
      EXPECT_EQ(view.state->sequence, was.state->sequence);
      EXPECT_EQ(test::CellsOfState(*view.state, fleet_->names()),
                test::CellsOfState(*was.state, fleet_before->names()));
      EXPECT_EQ(TextOf(view.state->settings), TextOf(was.state->settings));
      EXPECT_EQ(TextOf(view.state->files), TextOf(was.state->files));
      before.erase(view.description->identity);
    }
    for (const auto& [identity, view] : before) {
      EXPECT_EQ(view.state->epoch, 0U) << identity.ToString() << " is gone";
    }
  }

  // Nothing goes wrong any more: soon both ends have nothing to say.
  void ComeToRest() {
    store_->Open();
    store_closed_ = false;
    // What still waits for its write may meet failures that were asked for: they are used up first.
    for (int round = 0; round < 2000; ++round) {
      clock_.AdvanceSeconds(1);  // changed file counts may wait for their time
      bool quiet = true;
      for (Relay& relay : relays_) {
        if (!relay.connected) ConnectAgent(relay);
        SendOutgoing(relay);
        DeliverToAggregator(relay);
        while (!relay.submitted.empty()) TakeOutcome(relay);
        while (!relay.to_agent.empty()) DeliverToAgent(relay);
        quiet = quiet && relay.agent->session.UpToDate() && relay.to_aggregator.empty();
      }
      if (quiet || ::testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "it does not come to rest";
  }

  void CheckAll(const char* when) {
    SCOPED_TRACE(when);
    for (const Relay& relay : relays_) {
      const QueueModel& model = relay.agent->model;
      const NamedCells cells = test::CellsOfModel(model);
      EXPECT_EQ(test::DigestOf(cells), model.digest());
      bool found = false;
      for (const RelayView& view : fleet_->Snapshot()) {
        if (view.description->identity.host != relay.host) continue;
        found = true;
        EXPECT_EQ(test::CellsOfState(*view.state, fleet_->names()), cells);
        EXPECT_EQ(view.state->digest, model.digest());
        EXPECT_EQ(TextOf(view.state->settings), TextOf(relay.settings));
        EXPECT_EQ(TextOf(view.state->files), TextOf(relay.files));
      }
      EXPECT_TRUE(found);
    }
  }

  test::RandomSource random_;
  Events& events_;
  test::ManualClock clock_;
  test::EnvelopeMaker envelopes_;
  int64_t version_ = 0;
  std::vector<Relay> relays_;

  test::TemporaryDirectory directory_;
  std::unique_ptr<Store> rocksdb_;
  std::unique_ptr<test::FakeStore> store_;  // before rocksdb_
  bool store_closed_ = false;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<IngestEngine> engine_;
};

constexpr uint64_t kShards = 8;
constexpr uint64_t kRunsAShard = 50;

class SessionAndEngineTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  // Thousands of synced writes: no machine is switched off here, so memory will do for a disk.
  static void SetUpTestSuite() {
    constexpr uint64_t kEnough = uint64_t{2} << 30;
    struct statvfs memory {};
    if (statvfs("/dev/shm", &memory) == 0 && access("/dev/shm", W_OK) == 0 &&
        uint64_t{memory.f_bavail} * memory.f_frsize > kEnough) {
      setenv("TEST_TMPDIR", "/dev/shm", /*overwrite=*/0);
    }
  }
};

TEST_P(SessionAndEngineTest, ComeToTheSameStateWhateverGoesWrong) {
  spdlog::set_level(spdlog::level::off);  // hundreds of failed writes
  Events events;
  const uint64_t first = test::FirstSeed() + GetParam() * test::Runs(kRunsAShard);
  for (uint64_t seed = first; seed < first + test::Runs(kRunsAShard); ++seed) {
    SCOPED_TRACE(test::SeedTrace(seed));
    Simulation(seed, &events).Run();
    if (HasFailure()) return;
  }
  // All of it came up.
  EXPECT_GT(events.acknowledged, kRunsAShard);
  EXPECT_GT(events.deltas, kRunsAShard / 2);
  EXPECT_GT(events.deltas_with_facts, 0U);
  EXPECT_GT(events.forgotten_facts, 0U);
  EXPECT_GT(events.duplicates, 0U);
  EXPECT_GT(events.failed_writes, 0U);
  EXPECT_GT(events.cut_reports, 0U);
  EXPECT_GT(events.lost_outcomes, 0U);
  EXPECT_GT(events.overtaken_writes, 0U);
  EXPECT_GT(events.agent_restarts, 0U);
  EXPECT_GT(events.aggregator_restarts, kRunsAShard);
  EXPECT_GT(events.renewed_names, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionAndEngineTest, ::testing::Range(uint64_t{0}, kShards),
                         [](const auto& info) { return "Shard" + std::to_string(info.param); });

}  // namespace
}  // namespace fleetqshape
