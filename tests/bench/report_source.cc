#include "tests/bench/report_source.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/codec/section_codec.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

constexpr double kOldestSeconds = 5 * 86'400.0;
constexpr std::array<const char*, 4> kHostings = {".example", ".customer.example", ".co.example",
                                                  ".mail-hosting.example"};

}  // namespace

DomainUniverse::DomainUniverse(size_t count) {
  double sum = 0;
  for (size_t rank = 0; rank < count; ++rank) {
    names_.push_back("domain" + std::to_string(rank) + kHostings[rank % kHostings.size()]);
    hashes_.push_back(NameHash(names_.back()));
    weights_.push_back(sum += 1 / static_cast<double>(rank + 1));
  }
}

uint32_t DomainUniverse::Draw(double fraction) const {
  const auto found = std::lower_bound(weights_.begin(), weights_.end(), fraction * weights_.back());
  const auto rank = static_cast<size_t>(found - weights_.begin());
  return static_cast<uint32_t>(std::min(rank, weights_.size() - 1));
}

ReportSource::ReportSource(const DomainUniverse* universe, uint64_t seed, int messages)
    : universe_(*universe), random_(seed), epoch_(random_() | 1) {
  for (uint32_t& sender : own_senders_) sender = DrawName();
  Fill(messages);
}

uint32_t ReportSource::DrawName() {
  const uint32_t rank = universe_.Draw(Fraction());
  const auto [entry, is_new] = ids_.try_emplace(rank, static_cast<uint32_t>(ranks_.size()));
  if (is_new) ranks_.push_back(rank);
  return entry->second;
}

ReportSource::Message ReportSource::NewMessage(int64_t arrival) {
  Message message{arrival, 0, {}};
  message.sender = random_() % 2 == 0 ? own_senders_[random_() % kOwnSenders] : DrawName();
  const uint64_t recipients = random_() % 10 == 0 ? 2 + random_() % 9 : 1;
  for (uint64_t i = 0; i < recipients; ++i) message.recipients.push_back(DrawName());
  return message;
}

void ReportSource::Fill(int messages) {
  for (int i = 0; i < messages; ++i) {
    const double kind = Fraction();
    double most_seconds = kOldestSeconds;
    Queue queue = Queue::kDeferred;
    if (kind < 0.02) {
      queue = Queue::kHold;
    } else if (kind < 0.05) {
      queue = Queue::kIncoming;
      most_seconds = 5;
    } else if (kind < 0.20) {
      queue = Queue::kActive;
      most_seconds = 600;
    }
    // There are more young ones than old ones.
    const auto age = static_cast<int64_t>(most_seconds * std::pow(Fraction(), 3));
    Enter(queue, NewMessage(now_seconds_ - age));
  }
}

void ReportSource::OneEvent() {
  static constexpr Queue kActive = Queue::kActive;
  static constexpr Queue kDeferred = Queue::kDeferred;
  const double kind = Fraction();
  if (kind < 0.22) {
    Enter(Queue::kIncoming, NewMessage(now_seconds_));
  } else if (kind < 0.44) {
    Move(Queue::kIncoming, &kActive);
  } else if (kind < 0.66) {
    Move(Queue::kActive, nullptr);
  } else if (kind < 0.83) {
    Move(Queue::kActive, &kDeferred);
  } else {
    Move(Queue::kDeferred, &kActive);
  }
}

void ReportSource::Move(Queue from, const Queue* to) {
  std::vector<Message>& messages = queues_[static_cast<size_t>(from)];
  if (messages.empty()) return;
  std::swap(messages[random_() % messages.size()], messages.back());
  Message message = std::move(messages.back());
  messages.pop_back();
  Change(from, message, -1);
  if (to != nullptr) Enter(*to, std::move(message));
}

void ReportSource::Enter(Queue queue, Message message) {
  Change(queue, message, 1);
  queues_[static_cast<size_t>(queue)].push_back(std::move(message));
}

void ReportSource::Change(Queue queue, const Message& message, int64_t change) {
  Change(queue, Axis::kSenderDomain, message.sender, message.arrival, change);
  for (uint32_t name_id : message.recipients) {
    Change(queue, Axis::kRecipientDomain, name_id, message.arrival, change);
  }
}

void ReportSource::Change(Queue queue, Axis axis, uint32_t name_id, int64_t arrival,
                          int64_t change) {
  pending_.Add({queue, axis, name_id, arrival}, change);
  const uint64_t hash = CellHash(queue, axis, universe_.hash(ranks_[name_id]), arrival);
  digest_ += change > 0 ? hash : -hash;
}

void ReportSource::AddFacts(v1::PackedReport* report) {
  report->mutable_files()->set_being_written(random_() % 10);
  report->mutable_files()->set_force_expired(2);
  if (report->sequence() > 1) return;
  v1::PostfixSettings* settings = report->mutable_settings();
  settings->set_mail_version("3.7.11");
  settings->set_active_limit(20'000);
  settings->set_recipient_limit(20'000);
  settings->set_minimal_backoff_seconds(300);
  settings->set_maximal_backoff_seconds(4'000);
  settings->set_queue_run_delay_seconds(300);
  settings->set_maximal_queue_lifetime_seconds(432'000);
  settings->set_bounce_queue_lifetime_seconds(432'000);
}

v1::PackedReport ReportSource::Next(size_t changes) {
  v1::PackedReport report;
  report.set_epoch(epoch_);
  report.set_sequence(++sequence_);
  if (report.sequence() > 1) {
    ++now_seconds_;
    while (pending_.size() < changes) OneEvent();
  }
  report.set_first_name_id(static_cast<uint32_t>(names_sent_));
  for (; names_sent_ < ranks_.size(); ++names_sent_) {
    report.add_names(universe_.name(ranks_[names_sent_]));
  }
  for (const auto& [queue, axis, delta] : pending_.Take()) {
    report.add_sections(EncodeSection(queue, axis, delta));
  }
  report.set_digest(digest_);
  AddFacts(&report);
  return report;
}

}  // namespace fleetqshape
