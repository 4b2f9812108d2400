// query_benchmark: asks the aggregator's query engine about a fleet in memory.
//
//   query_benchmark [--relays 1000] [--messages 10000000] [--domains 200000] [--rounds 200]
//                   [--threads 2] [--reports 0] [--seed 1] [--at SECONDS] [--only NAME]
//                   [--print-answer] [--dump FILE]
//
// Makes a fleet in which each message has one recipient and one sender: domains by Zipf's law, most
// arrivals lately and some up to five days ago, three in four messages in deferred. Asks each of
// the questions that often, in turns.
//
// --at: the Unix time at which the fleet was made and ages are measured; now if not given. With it,
// runs with the same seed have the same fleet and the same answers. --reports N: meanwhile a thread
// takes N reports a second, of 100 changes each, as the ingest engine does, but for the disk.
// --dump writes the recipients' cells, and asks nothing: relay, queue, domain, the domain's number
// and arrival, separated by tabs.
//
// Prints with --print-answer first the answer to the question "top": TOTAL, and the rows in their
// order. Then a line of JSON for each question: quantiles of what an answer took, in milliseconds;
// and one for the whole: bytes of memory a message, and the time of a pass over all arrivals that
// only sums them up, in as many threads (the floor).

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "aggregator/ingest/fleet.h"
#include "aggregator/query/query_engine.h"
#include "common/base/clock.h"
#include "common/base/free_memory.h"
#include "common/shape/block.h"

namespace fleetqshape {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  size_t relays = 1000;
  size_t messages = 10'000'000;
  size_t domains = 200'000;
  size_t rounds = 200;
  size_t threads = 2;
  size_t reports = 0;  // a second
  uint64_t seed = 1;
  int64_t at_seconds = 0;
  bool print_answer = false;
  std::string only;
  std::string dump;
};

// Of this process (proc(5), statm).
double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0;
  double resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double MillisecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

// Draws 0, 1, 2, ... with weights 1, 1/2, 1/3, ...
class Zipf {
 public:
  explicit Zipf(size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sums_.push_back(sum += 1.0 / static_cast<double>(i + 1));
  }
  size_t Draw(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    return static_cast<size_t>(std::lower_bound(sums_.begin(), sums_.end() - 1, at) -
                               sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

struct Message {
  Queue queue;
  uint32_t recipient;
  uint32_t sender;
  int64_t arrival;
};

// The fleet's names, all different: some of them have parents.
std::string DomainName(size_t domain) {
  const std::string number = std::to_string(domain);
  switch (domain % 4) {
    case 0:
      return "mx" + std::to_string(domain / 4 % 10) + ".provider" + std::to_string(domain / 40) +
             ".net";
    default:
      return "domain" + number + ".example";
  }
}

class BenchFleet {
 public:
  explicit BenchFleet(const Options& options)
      : options_(options),
        zipf_(options.domains),
        now_(options.at_seconds != 0 ? options.at_seconds : clock_.NowSeconds()) {
    for (size_t i = 0; i < options.domains; ++i) domain_names_.push_back(DomainName(i));
  }

  std::vector<Message> MessagesOf(size_t relay) const {
    std::mt19937_64 random(options_.seed * 1'000'003 + relay);
    std::exponential_distribution<double> recent(1.0 / 7200);
    std::uniform_int_distribution<int64_t> any(0, 5 * 86'400);
    std::vector<Message> messages(options_.messages / options_.relays);
    for (Message& message : messages) {
      const uint64_t draw = random();
      message.queue = draw % 4 != 0 ? Queue::kDeferred
                                    : (draw / 4 % 2 == 0 ? Queue::kActive : Queue::kIncoming);
      message.recipient = static_cast<uint32_t>(zipf_.Draw(random));
      message.sender = static_cast<uint32_t>(zipf_.Draw(random));
      const int64_t age = random() % 3 == 0
                              ? any(random)
                              : std::min<int64_t>(static_cast<int64_t>(recent(random)), 5 * 86'400);
      message.arrival = now_ - age;
    }
    return messages;
  }

  void Fill() {
    for (size_t relay = 0; relay < options_.relays; ++relay) {
      const auto id = static_cast<RelayId>(relay + 1);
      const std::string number = std::to_string(relay);
      fleet_.Describe(
          id, std::make_shared<const RelayDescription>(RelayDescription{
                  {"cluster" + std::to_string(relay % 8), "mx" + number + ".example", "postfix"},
                  {{"role", relay % 10 == 0 ? "spam-relay" : "gateway"}},
                  "0.1.0"}));
      fleet_.Heard(id, clock_.Now(), 0);
      fleet_.SetState(id, StateOf(MessagesOf(relay)));
    }
    ReturnFreeMemory();
  }

  // The relay's state with another hundredth of its messages, or fewer.
  void Change(size_t relay, std::mt19937_64& random) {
    const auto id = static_cast<RelayId>(relay + 1);
    const RelayView view = fleet_.View(id);
    const auto next = std::make_shared<RelayState>(*view.state);
    StateChange change;
    change.before = view.state;
    for (const Axis axis : kAllAxes) {
      const size_t index = SectionIndex(Queue::kDeferred, axis);
      auto& section = next->sections[index];
      BlockDelta delta;
      BlockBuilder gained;
      BlockBuilder lost;
      const size_t step = std::max<size_t>(section->name_ids.size() / 50, 1);
      for (size_t i = random() % step; i < section->name_ids.size(); i += step) {
        gained.StartName(section->name_ids[i]);
        gained.AddArrival(clock_.NowSeconds());
        lost.StartName(section->name_ids[i]);
        lost.AddArrival(section->arrivals[section->offsets[i]]);
      }
      delta.gained = gained.Finish();
      delta.lost = lost.Finish();
      auto changed = ApplyDelta(*section, delta);
      if (!changed.ok()) std::abort();
      section = std::make_shared<const Block>(*std::move(changed));
      change.sections.emplace_back(index, std::move(delta));
    }
    fleet_.Heard(id, clock_.Now(), 0);
    fleet_.SetState(id, next, change);
  }

  void Dump(std::FILE* file) const {
    for (size_t relay = 0; relay < options_.relays; ++relay) {
      for (const Message& message : MessagesOf(relay)) {
        std::fprintf(file, "%zu\t%d\t%s\t%u\t%lld\n", relay, static_cast<int>(message.queue),
                     domain_names_[message.recipient].c_str(), message.recipient,
                     static_cast<long long>(message.arrival));
      }
    }
  }

  const Fleet& fleet() const { return fleet_; }
  const Clock& clock() const { return clock_; }

 private:
  std::shared_ptr<const RelayState> StateOf(std::vector<Message> messages) {
    const std::shared_ptr<RelayState> state = EmptyRelayState();
    state->epoch = 1;
    state->sequence = 1;
    // Names get ids in the order in which they come up, as an agent gives them.
    std::vector<uint32_t> ids(options_.domains, 0);
    std::vector<std::string_view> names;
    const auto id_of = [&](uint32_t domain) {
      if (ids[domain] == 0) {
        names.push_back(domain_names_[domain]);
        ids[domain] = static_cast<uint32_t>(names.size());
      }
      return ids[domain] - 1;
    };
    for (Message& message : messages) {
      message.recipient = id_of(message.recipient);
      message.sender = id_of(message.sender);
    }
    state->names = RelayNames().With(names, &fleet_.names());
    for (const Queue queue : kAllQueues) {
      for (const Axis axis : kAllAxes) {
        std::vector<std::pair<uint32_t, int64_t>> cells;
        for (const Message& message : messages) {
          if (message.queue != queue) continue;
          cells.emplace_back(axis == Axis::kRecipientDomain ? message.recipient : message.sender,
                             message.arrival);
        }
        std::sort(cells.begin(), cells.end());
        BlockBuilder builder;
        for (size_t i = 0; i < cells.size(); ++i) {
          if (i == 0 || cells[i].first != cells[i - 1].first) builder.StartName(cells[i].first);
          builder.AddArrival(cells[i].second);
        }
        // As reports are applied: without what a builder keeps in reserve.
        auto block = ApplyDelta(builder.Finish(), {});
        if (!block.ok()) std::abort();
        state->sections[SectionIndex(queue, axis)] =
            std::make_shared<const Block>(*std::move(block));
      }
    }
    return state;
  }

  const Options& options_;
  const Zipf zipf_;
  const SystemClock clock_;
  const int64_t now_;
  std::vector<std::string> domain_names_;
  Fleet fleet_;
};

struct NamedQuestion {
  std::string name;
  TableQuestion question;
  std::vector<double> milliseconds;
};

std::vector<NamedQuestion> Questions(const Options& options) {
  TableQuestion top;
  top.queues = {Queue::kIncoming, Queue::kActive, Queue::kDeferred};
  top.max_rows = 20;
  if (options.at_seconds != 0) top.at_seconds = options.at_seconds;
  std::vector<NamedQuestion> questions = {{"top", top, {}}};
  const auto add = [&](const char* name, const std::function<void(TableQuestion*)>& change) {
    questions.push_back({name, top, {}});
    change(&questions.back().question);
  };
  add("parents", [](TableQuestion* question) { question->rows.parents = true; });
  add("by host", [](TableQuestion* question) { question->rows_by = "host"; });
  add("compare roles", [](TableQuestion* question) {
    question->comparison = Comparison{"role", {}};
    question->order = RowOrder::kShareDifference;
    question->ages = true;
  });
  add("one domain by host", [](TableQuestion* question) {
    question->rows_by = "host";
    question->names = {"domain1.example"};
  });
  add("older than 4 h", [](TableQuestion* question) { question->min_age_seconds = 4 * 3600; });
  add("senders", [](TableQuestion* question) { question->axis = Axis::kSenderDomain; });
  add("all rows", [](TableQuestion* question) { question->max_rows = 0; });
  return questions;
}

void PrintCounts(const uint64_t* counts, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    std::printf("%s%llu", i == 0 ? "" : ", ", static_cast<unsigned long long>(counts[i]));
  }
}

void PrintAnswer(const TableAnswer& answer) {
  std::printf("{\"total\": [");
  PrintCounts(answer.total.data(), answer.total.size());
  std::printf("], \"rows\": [");
  for (size_t row = 0; row < answer.names.size(); ++row) {
    std::printf("%s[\"%s\", ", row == 0 ? "" : ", ", answer.names[row].c_str());
    PrintCounts(answer.row(row), answer.columns);
    std::printf("]");
  }
  std::printf("]}\n");
}

void PrintQuantiles(const std::string& name, std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double quantile) {
    return milliseconds[static_cast<size_t>(quantile *
                                            static_cast<double>(milliseconds.size() - 1))];
  };
  std::printf(
      "{\"question\": \"%s\", \"answers\": %zu, \"best\": %.3f, \"p50\": %.3f, "
      "\"p99\": %.3f}\n",
      name.c_str(), milliseconds.size(), at(0), at(0.5), at(0.99));
}

// A sum over all arrivals of the default question, in several threads.
double FloorMilliseconds(const Fleet& fleet, size_t threads) {
  std::vector<RelayView> views = fleet.Snapshot();
  std::atomic<size_t> next = 0;
  std::atomic<uint64_t> sum = 0;
  const auto begin = SteadyClock::now();
  const auto work = [&] {
    uint32_t mine = 0;
    for (size_t i; (i = next++) < views.size();) {
      for (const Queue queue : {Queue::kIncoming, Queue::kActive, Queue::kDeferred}) {
        const Block& block = *views[i].state->sections[SectionIndex(queue, Axis::kRecipientDomain)];
        if (!block.arrivals.narrow()) continue;
        const auto values = block.arrivals.narrow_values();
        mine = std::accumulate(values.begin(), values.end(), mine);
      }
    }
    sum += mine;
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  const double milliseconds = MillisecondsSince(begin);
  return sum == 0 ? 0 : milliseconds;
}

// Takes reports at a steady rate until it goes.
class Reporter {
 public:
  Reporter(BenchFleet* fleet, const Options& options) {
    if (options.reports == 0) return;
    thread_ = std::thread([this, fleet, &options] {
      std::mt19937_64 random(options.seed);
      const auto begin = SteadyClock::now();
      for (size_t sent = 0; !stop_; ++sent) {
        fleet->Change(random() % options.relays, random);
        std::this_thread::sleep_until(
            begin + std::chrono::microseconds(1'000'000 * sent / options.reports));
        sent_ = sent;
      }
    });
  }
  ~Reporter() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  size_t sent() const { return sent_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<size_t> sent_ = 0;
  std::thread thread_;
};

int Run(const Options& options) {
  BenchFleet fleet(options);
  if (!options.dump.empty()) {
    std::FILE* const file = std::fopen(options.dump.c_str(), "w");
    if (file == nullptr) return EXIT_FAILURE;
    fleet.Dump(file);
    return std::fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  const double before = ResidentBytes();
  fleet.Fill();
  const double resident = ResidentBytes() - before;
  const QueryEngine engine(&fleet.fleet(), &fleet.clock(), {.threads = options.threads});
  std::vector<NamedQuestion> questions = Questions(options);
  if (options.print_answer) {
    const auto answer = engine.GetTable(questions.front().question);
    if (!answer.ok()) return EXIT_FAILURE;
    PrintAnswer(*answer);
  }
  std::vector<double> floors;
  double seconds = 0;
  size_t sent = 0;
  {
    Reporter reporter(&fleet, options);
    const auto begin = SteadyClock::now();
    for (size_t round = 0; round < options.rounds; ++round) {
      for (NamedQuestion& question : questions) {
        if (!options.only.empty() && question.name != options.only) continue;
        if (question.name == "all rows" && round % 20 != 0) continue;
        const auto start = SteadyClock::now();
        const auto answer = engine.GetTable(question.question);
        question.milliseconds.push_back(MillisecondsSince(start));
        if (!answer.ok() || answer->names.empty()) return EXIT_FAILURE;
      }
      floors.push_back(FloorMilliseconds(fleet.fleet(), options.threads));
    }
    seconds = MillisecondsSince(begin) / 1000;
    sent = reporter.sent();
  }
  for (const NamedQuestion& question : questions) {
    if (!question.milliseconds.empty()) PrintQuantiles(question.name, question.milliseconds);
  }
  PrintQuantiles("floor", floors);
  std::printf(
      "{\"relays\": %zu, \"messages\": %zu, \"bytes_per_message\": %.2f, "
      "\"reports_per_second\": %.0f, \"threads\": %zu}\n",
      options.relays, options.messages, resident / static_cast<double>(options.messages),
      static_cast<double>(sent) / seconds, options.threads);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) {
  fleetqshape::Options options;
  CLI::App app("Asks the query engine about a fleet in memory", "query_benchmark");
  app.add_option("--relays", options.relays)->check(CLI::PositiveNumber);
  app.add_option("--messages", options.messages)->check(CLI::PositiveNumber);
  app.add_option("--domains", options.domains)->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--reports", options.reports);
  app.add_option("--seed", options.seed);
  app.add_option("--at", options.at_seconds);
  app.add_option("--only", options.only);
  app.add_flag("--print-answer", options.print_answer);
  app.add_option("--dump", options.dump);
  CLI11_PARSE(app, argc, argv);
  return fleetqshape::Run(options);
}
