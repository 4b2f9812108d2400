#include "agent/report/report_session.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/codec/relay_limits.h"
#include "common/codec/section_codec.h"
#include "google/protobuf/util/message_differencer.h"
#include "spdlog/fmt/fmt.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// Fewer pending cells than this are kept however small the queue is.
constexpr size_t kFewPendingCells = 100'000;

// More than this are not worth keeping: a snapshot is smaller. As many it takes to move the whole
// queue: each arrival is lost in one queue and gained in another.
size_t MostPendingCells(const QueueState& state) {
  uint64_t arrivals = 0;
  for (const Queue queue : kAllQueues) {
    for (const Axis axis : kAllAxes) arrivals += state.arrival_count(queue, axis);
  }
  return std::max<size_t>(kFewPendingCells, 2 * arrivals);
}

template <typename Message>
bool Differ(const std::optional<Message>& now, const std::optional<Message>& reported) {
  return now && !(reported && google::protobuf::util::MessageDifferencer::Equals(*now, *reported));
}

}  // namespace

ReportSession::ReportSession(Options options, const QueueState* state, const Clock* clock,
                             std::function<uint64_t()> random)
    : options_(std::move(options)), queue_(*state), clock_(*clock), random_(std::move(random)) {}

void ReportSession::OnCellChange(const Cell& cell, int64_t change) {
  if (needs_snapshot_) return;
  if (pending_.empty()) pending_since_milliseconds_ = clock_.MonotonicMilliseconds();
  pending_.Add(cell, change);
  if (pending_.size() > kFewPendingCells && pending_.size() > MostPendingCells(queue_)) StartOver();
}

void ReportSession::OnQueueSeen() { delta_is_due_ = !pending_.empty(); }

void ReportSession::OnNamesRenewed() { StartOver(); }

void ReportSession::SetSettings(const v1::PostfixSettings& settings) {
  settings_ = settings;
  std::string* version = settings_->mutable_mail_version();
  if (version->size() > kMaxMailVersionLength) version->resize(kMaxMailVersionLength);
}

void ReportSession::SetFileCounts(const v1::FileCounts& files) {
  files_ = files;
  if (!Differ(files_, reported_files_)) {
    files_differ_since_milliseconds_.reset();
  } else if (!FileCountsDiffer()) {
    files_differ_since_milliseconds_ = clock_.MonotonicMilliseconds();
  }
}

bool ReportSession::SettingsDiffer() const { return Differ(settings_, reported_settings_); }

bool ReportSession::DeltaIsDue(int64_t now) const {
  const bool changes_are_due =
      !pending_.empty() &&
      (delta_is_due_ || now - pending_since_milliseconds_ >= 2 * options_.interval_milliseconds);
  const bool file_counts_are_due =
      FileCountsDiffer() &&
      now - *files_differ_since_milliseconds_ >= options_.file_counts_delay_milliseconds;
  return changes_are_due || file_counts_are_due || SettingsDiffer();
}

void ReportSession::StartOver() {
  needs_snapshot_ = true;
  pending_.Clear();
  if (state_ == State::kDisconnected) in_flight_.reset();  // the snapshot says it all
}

void ReportSession::OnConnected() { state_ = State::kConnected; }

void ReportSession::OnDisconnected() {
  state_ = State::kDisconnected;
  if (needs_snapshot_) in_flight_.reset();
  if (!in_flight_) return;
  in_flight_->begun.reset();
  // A snapshot is never sent again: the next welcome either has it, or asks for a new one.
  if (in_flight_->sequence == 1) in_flight_->bytes = std::string();
}

void ReportSession::OnMessage(const v1::AggregatorMessage& message) {
  switch (message.message_case()) {
    case v1::AggregatorMessage::kWelcome:
      OnWelcome(message.welcome());
      break;
    case v1::AggregatorMessage::kAcknowledgement:
      OnAcknowledged(message.acknowledgement());
      break;
    case v1::AggregatorMessage::kSnapshotRequest:
      OnSnapshotRequest(message.snapshot_request().reason());
      break;
    case v1::AggregatorMessage::MESSAGE_NOT_SET:
      break;  // from a newer aggregator: nothing that this version has to know
  }
}

void ReportSession::OnWelcome(const v1::Welcome& welcome) {
  if (state_ != State::kAwaitingWelcome) return;
  state_ = State::kReporting;
  const bool same_epoch = epoch_ != 0 && welcome.epoch() == epoch_;
  if (same_epoch && in_flight_ && welcome.sequence() == in_flight_->sequence) {
    EndFlight();
    return;
  }
  const bool can_go_on = !in_flight_ || !in_flight_->bytes.empty();
  if (same_epoch && welcome.sequence() == acknowledged_ && can_go_on) {
    // What is in flight goes out again.
    if (in_flight_) {
      in_flight_->since_milliseconds = clock_.MonotonicMilliseconds();
      ++counters_.resent;
    }
    return;
  }
  if (acknowledged_ > 0 && !(same_epoch && welcome.sequence() >= acknowledged_)) ++counters_.lost;
  in_flight_.reset();
  StartOver();
}

void ReportSession::OnAcknowledged(const v1::Acknowledgement& acknowledgement) {
  // One that came late, for a report that was given up since, or is just being sent once more.
  if (!in_flight_ || !in_flight_->IsSent() || acknowledgement.epoch() != epoch_ ||
      acknowledgement.sequence() != in_flight_->sequence) {
    return;
  }
  EndFlight();
}

void ReportSession::EndFlight() {
  if (in_flight_->sequence > 1) snapshot_delay_milliseconds_ = 0;
  acknowledged_ = in_flight_->sequence;
  in_flight_.reset();
  ++counters_.acknowledged;
}

void ReportSession::OnSnapshotRequest(const std::string& reason) {
  ++counters_.snapshot_requests;
  const bool known = needs_snapshot_;
  if (in_flight_ && in_flight_->begun && !in_flight_->IsSent()) {
    in_flight_->refused = true;  // its pieces would be taken for pieces of the next one
  } else {
    in_flight_.reset();
  }
  StartOver();
  if (known) return;
  const int64_t now = clock_.MonotonicMilliseconds();
  if (last_snapshot_request_milliseconds_ &&
      now - *last_snapshot_request_milliseconds_ >= kSnapshotPeaceMilliseconds) {
    snapshot_delay_milliseconds_ = 0;
  }
  last_snapshot_request_milliseconds_ = now;
  const int64_t delay = snapshot_delay_milliseconds_;
  snapshot_after_milliseconds_ = now + delay;
  snapshot_delay_milliseconds_ =
      std::clamp(2 * delay, kSnapshotDelayMilliseconds, kLongestSnapshotDelayMilliseconds);
  spdlog::warn("{} asks for a snapshot: {}{}", options_.aggregator, reason,
               delay == 0 ? "" : fmt::format("; not the first one: it waits {} s", delay / 1000));
}

void ReportSession::StartEpoch() {
  do {
    epoch_ = random_();
  } while (epoch_ == 0);
  acknowledged_ = 0;
  names_sent_ = 0;
  reported_settings_.reset();
  reported_files_.reset();
  needs_snapshot_ = false;
}

void ReportSession::AddSection(Queue queue, Axis axis, const BlockDelta& delta,
                               v1::PackedReport* report) {
  if (delta.empty()) return;
  report->add_sections(EncodeSection(queue, axis, delta));
  counters_.cells += delta.gained.arrivals.size() + delta.lost.arrivals.size();
}

void ReportSession::AddState(v1::PackedReport* report) {
  for (const Queue queue : kAllQueues) {
    for (const Axis axis : kAllAxes) {
      AddSection(queue, axis, {queue_.MakeBlock(queue, axis), Block()}, report);
    }
  }
}

void ReportSession::AddPendingChanges(v1::PackedReport* report) {
  for (const auto& [queue, axis, delta] : pending_.Take()) AddSection(queue, axis, delta, report);
}

void ReportSession::AddRelayFacts(v1::PackedReport* report) {
  if (SettingsDiffer()) {
    *report->mutable_settings() = *settings_;
    reported_settings_ = settings_;
  }
  if (Differ(files_, reported_files_)) {
    *report->mutable_files() = *files_;
    reported_files_ = files_;
  }
  files_differ_since_milliseconds_.reset();
}

void ReportSession::MakeReport(int64_t now) {
  const bool is_snapshot = needs_snapshot_;
  if (is_snapshot ? now < snapshot_after_milliseconds_ : !DeltaIsDue(now)) return;
  if (is_snapshot) StartEpoch();
  v1::PackedReport report;
  report.set_epoch(epoch_);
  report.set_sequence(acknowledged_ + 1);
  report.set_first_name_id(names_sent_);
  for (; names_sent_ < queue_.name_count(); ++names_sent_) {
    const std::string_view name = queue_.Name(names_sent_);
    report.add_names(name.data(), name.size());
  }
  if (is_snapshot) {
    AddState(&report);
  } else {
    AddPendingChanges(&report);
  }
  delta_is_due_ = false;
  report.set_digest(queue_.digest());
  AddRelayFacts(&report);
  in_flight_ = InFlight{report.sequence(), report.SerializeAsString(), std::nullopt, false, now};
  ++(is_snapshot ? counters_.snapshots : counters_.deltas);
  counters_.bytes += in_flight_->bytes.size();
}

void ReportSession::AppendChunks(std::vector<v1::AgentMessage>* messages) {
  const std::string& bytes = in_flight_->bytes;
  if (!in_flight_->begun) {
    in_flight_->begun = 0;
    // The other end can say no before it has any of a long one.
    if (bytes.size() > options_.chunk_bytes) {
      messages->emplace_back().mutable_report_chunk()->set_report_bytes(bytes.size());
    }
  }
  size_t& begin = *in_flight_->begun;
  size_t taken = 0;
  while (begin < bytes.size() &&
         (taken == 0 || taken + options_.chunk_bytes <= options_.outgoing_bytes)) {
    const size_t length = std::min(options_.chunk_bytes, bytes.size() - begin);
    v1::ReportChunk* chunk = messages->emplace_back().mutable_report_chunk();
    chunk->set_data(bytes.substr(begin, length));
    begin += length;
    taken += length;
    chunk->set_last(begin == bytes.size());
  }
}

std::vector<v1::AgentMessage> ReportSession::TakeOutgoing() {
  std::vector<v1::AgentMessage> messages;
  const int64_t now = clock_.MonotonicMilliseconds();
  if (state_ == State::kConnected) {
    *messages.emplace_back().mutable_hello() = options_.hello;
    state_ = State::kAwaitingWelcome;
  } else if (state_ == State::kReporting) {
    if (in_flight_ && in_flight_->refused && in_flight_->IsSent()) in_flight_.reset();
    if (!in_flight_) MakeReport(now);
    if (in_flight_ && !in_flight_->IsSent()) AppendChunks(&messages);
    if (messages.empty() && now - last_sent_milliseconds_ >= options_.heartbeat_milliseconds) {
      messages.emplace_back().mutable_heartbeat();
      ++counters_.heartbeats;
    }
  }
  const int64_t wall_clock = clock_.NowMilliseconds();
  for (v1::AgentMessage& message : messages) message.set_clock_milliseconds(wall_clock);
  if (!messages.empty()) last_sent_milliseconds_ = now;
  return messages;
}

std::optional<int64_t> ReportSession::NextOutgoingMilliseconds() const {
  if (state_ != State::kReporting) return std::nullopt;
  int64_t next = last_sent_milliseconds_ + options_.heartbeat_milliseconds;
  // While a report is in flight the rest waits for its end, and nobody has to wake up for it.
  if (in_flight_) return next;
  if (needs_snapshot_) return std::min(next, snapshot_after_milliseconds_);
  if (FileCountsDiffer()) {
    next =
        std::min(next, *files_differ_since_milliseconds_ + options_.file_counts_delay_milliseconds);
  }
  if (!pending_.empty()) {
    next = std::min(next, pending_since_milliseconds_ + 2 * options_.interval_milliseconds);
  }
  return next;
}

int64_t ReportSession::UnacknowledgedMilliseconds() const {
  return in_flight_ ? clock_.MonotonicMilliseconds() - in_flight_->since_milliseconds : 0;
}

bool ReportSession::UpToDate() const {
  return state_ == State::kReporting && !in_flight_ && !needs_snapshot_ && pending_.empty() &&
         !SettingsDiffer() && !FileCountsDiffer();
}

}  // namespace fleetqshape
