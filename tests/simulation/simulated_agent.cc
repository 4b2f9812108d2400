#include "tests/simulation/simulated_agent.h"

#include <iterator>
#include <utility>

#include "tests/aggregator/relay_reports.h"
#include "tests/support/model_files.h"
#include "tests/support/relay_facts.h"

namespace fleetqshape::test {

SimulatedAgent::SimulatedAgent(std::string host, size_t aggregators, RandomSource* random)
    : host_(std::move(host)), aggregators_(aggregators), random_(*random) {
  Start();
}

void SimulatedAgent::Start() {
  process_ = std::make_unique<Process>(this);
  const uint64_t agent_id = random_.OneIn(4) ? 0 : random_.Bits();
  for (size_t i = 0; i < aggregators_; ++i) {
    ReportSession::Options options;
    options.hello = HelloOf(host_);
    options.hello.set_agent_id(agent_id);
    // Mostly several pieces a report.
    options.chunk_bytes =
        static_cast<size_t>(random_.OneIn(3) ? 1'000'000 : random_.Between(20, 300));
    process_->sessions.push_back(std::make_unique<ReportSession>(
        options, &process_->model, &clock_, [this] { return random_.Bits(); }));
  }
  TellFacts();
  LookAtQueue();
}

void SimulatedAgent::Restart() {
  if (random_.OneIn(3)) settings_.reset();
  if (random_.OneIn(3)) files_.reset();
  Start();
}

void SimulatedAgent::OnCell(const Cell& cell, int64_t change) {
  const bool spoil = std::exchange(spoil_next_, false);
  const size_t spoiled =
      static_cast<size_t>(random_.Between(0, static_cast<int64_t>(aggregators_) - 1));
  const bool twice = spoil && change > 0 && random_.OneIn(2);
  for (size_t i = 0; i < aggregators_; ++i) {
    const int64_t times = !spoil || i != spoiled ? 1 : (twice ? 2 : 0);
    for (int64_t k = 0; k < times; ++k) process_->sessions[i]->OnCellChange(cell, change);
  }
}

void SimulatedAgent::SpoilNextChange() { spoil_next_ = true; }

void SimulatedAgent::ChangeQueue() {
  for (int64_t left = random_.Between(1, 5); left > 0; --left) {
    const int64_t what = random_.Between(1, 10);
    if (queue_.empty() || what <= 4) {
      queue_[next_message_++] = RandomMessage();
      continue;
    }
    const auto message =
        std::next(queue_.begin(), random_.Between(0, static_cast<int64_t>(queue_.size()) - 1));
    if (what <= 6) {
      message->second.queue = random_.OneOf(kAllQueues);
      message->second.version = ++version_;
    } else if (what <= 8) {
      if (message->second.recipients.size() > 1) message->second.recipients.pop_back();
      message->second.version = ++version_;
    } else {
      queue_.erase(message);
    }
  }
  LookAtQueue();
}

void SimulatedAgent::LookAtQueue() {
  QueueModel& model = process_->model;
  model.BeginPass();
  for (const auto& [number, message] : queue_) {
    const auto version = static_cast<FileVersion>(message.version);
    if (SeeFile(number, message.queue, version, &model)) continue;
    PutFile(number, message.queue,
            envelopes_.Make(message.arrival, message.sender, message.recipients), &model, version);
  }
  model.EndPass({kAllQueues.begin(), kAllQueues.end()});
  for (const auto& session : process_->sessions) session->OnQueueSeen();
}

SimulatedAgent::Message SimulatedAgent::RandomMessage() {
  const auto address = [this] {
    return "u@d" + std::to_string(random_.Between(1, random_.OneIn(2) ? 5 : 500)) + ".example";
  };
  Message message{random_.OneOf(kAllQueues),
                  ++version_,
                  1'700'000'000 - random_.Between(0, 100),
                  address(),
                  {}};
  for (int64_t left = random_.Between(1, 3); left > 0; --left) {
    message.recipients.push_back(address());
  }
  return message;
}

void SimulatedAgent::ChangeFacts() {
  if (random_.OneIn(3)) {
    settings_ = std::make_unique<v1::PostfixSettings>(RandomSettings(random_));
  } else {
    files_ = std::make_unique<v1::FileCounts>(RandomFileCounts(random_));
  }
  TellFacts();
}

void SimulatedAgent::TellFacts() {
  for (const auto& session : process_->sessions) {
    if (settings_ != nullptr) session->SetSettings(*settings_);
    if (files_ != nullptr) session->SetFileCounts(*files_);
  }
}

void SimulatedAgent::RenewNames() {
  process_->model.RenewNames();
  for (const auto& session : process_->sessions) session->OnNamesRenewed();
}

}  // namespace fleetqshape::test
