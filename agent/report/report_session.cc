#include "agent/report/report_session.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/codec/relay_limits.h"
#include "common/codec/section_codec.h"
#include "google/protobuf/util/message_differencer.h"
#include "spdlog/spdlog.h"

namespace fleetqshape {
namespace {

// More pending cells than this and twice the queue's are not worth keeping: a snapshot is smaller.
constexpr size_t kFewPendingCells = 100'000;

template <typename Message>
bool Differ(const std::optional<Message>& now, const std::optional<Message>& reported) {
  return now && !(reported && google::protobuf::util::MessageDifferencer::Equals(*now, *reported));
}

}  // namespace

ReportSession::ReportSession(Options options, const QueueModel* model, const Clock* clock,
                             std::function<uint64_t()> random)
    : options_(std::move(options)), model_(*model), clock_(*clock), random_(std::move(random)) {}

void ReportSession::OnCellChange(const Cell& cell, int64_t change) {
  if (needs_snapshot_) return;
  pending_.Add(cell, change);
  if (pending_.size() > kFewPendingCells && pending_.size() > 4 * model_.message_count()) {
    StartOver();
  }
}

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
    files_differ_since_milliseconds_ = clock_.NowMilliseconds();
  }
}

bool ReportSession::SettingsDiffer() const { return Differ(settings_, reported_settings_); }

bool ReportSession::FileCountsAreDue() const {
  if (!FileCountsDiffer()) return false;
  const int64_t differed = clock_.NowMilliseconds() - *files_differ_since_milliseconds_;
  // A clock that was set back must not keep them for ever.
  return differed >= options_.file_counts_delay_milliseconds || differed < 0;
}

void ReportSession::StartOver() {
  needs_snapshot_ = true;
  pending_.Clear();
}

void ReportSession::OnConnected() { state_ = State::kConnected; }

void ReportSession::OnDisconnected() {
  state_ = State::kDisconnected;
  if (in_flight_) in_flight_->sent = false;
}

void ReportSession::OnMessage(const v1::AggregatorMessage& message) {
  switch (message.message_case()) {
    case v1::AggregatorMessage::kWelcome:
      OnWelcome(message.welcome());
      break;
    case v1::AggregatorMessage::kAcknowledgement:
      OnAcknowledged(message.acknowledgement().epoch(), message.acknowledgement().sequence());
      break;
    case v1::AggregatorMessage::kSnapshotRequest:
      spdlog::warn("the aggregator asks for a snapshot: {}", message.snapshot_request().reason());
      in_flight_.reset();
      StartOver();
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
    OnAcknowledged(epoch_, in_flight_->sequence);
    return;
  }
  if (same_epoch && welcome.sequence() == acknowledged_) return;  // in_flight_ goes out again
  in_flight_.reset();
  StartOver();
}

void ReportSession::OnAcknowledged(uint64_t epoch, uint64_t sequence) {
  // One that came late, for a report that was given up since.
  if (!in_flight_ || epoch != epoch_ || sequence != in_flight_->sequence) return;
  acknowledged_ = sequence;
  in_flight_.reset();
}

std::vector<PendingChanges::SectionDelta> ReportSession::StartEpoch() {
  do {
    epoch_ = random_();
  } while (epoch_ == 0);
  acknowledged_ = 0;
  names_sent_ = 0;
  reported_settings_.reset();
  reported_files_.reset();
  needs_snapshot_ = false;
  std::vector<PendingChanges::SectionDelta> sections;
  for (Queue queue : kAllQueues) {
    for (Axis axis : kAllAxes) {
      BlockDelta delta{model_.MakeBlock(queue, axis), Block()};
      if (!delta.empty()) sections.push_back({queue, axis, std::move(delta)});
    }
  }
  return sections;
}

void ReportSession::AddRelayFacts(v1::Report* report) {
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

void ReportSession::MakeReport() {
  std::vector<PendingChanges::SectionDelta> sections;
  if (needs_snapshot_) {
    sections = StartEpoch();
    ++counters_.snapshots;
  } else if (!pending_.empty() || SettingsDiffer() || FileCountsAreDue()) {
    sections = pending_.Take();
    ++counters_.deltas;
  } else {
    return;
  }

  v1::Report report;
  report.set_epoch(epoch_);
  report.set_sequence(acknowledged_ + 1);
  report.set_first_name_id(names_sent_);
  for (; names_sent_ < model_.names().size(); ++names_sent_) {
    const std::string_view name = model_.names().name(names_sent_);
    report.add_names(name.data(), name.size());
  }
  for (const auto& [queue, axis, delta] : sections) {
    *report.add_sections() = EncodeSection(queue, axis, delta);
    counters_.cells += delta.gained.arrivals.size() + delta.lost.arrivals.size();
  }
  report.set_digest(model_.digest());
  AddRelayFacts(&report);
  in_flight_ = InFlight{report.sequence(), report.SerializeAsString(), false};
  counters_.bytes += in_flight_->bytes.size();
}

void ReportSession::AppendChunks(std::vector<v1::AgentMessage>* messages) const {
  const std::string& bytes = in_flight_->bytes;
  size_t begin = 0;
  do {
    const size_t length = std::min(options_.chunk_bytes, bytes.size() - begin);
    v1::ReportChunk* chunk = messages->emplace_back().mutable_report_chunk();
    chunk->set_data(bytes.substr(begin, length));
    if (begin == 0 && length < bytes.size()) chunk->set_report_bytes(bytes.size());
    begin += length;
    chunk->set_last(begin == bytes.size());
  } while (begin < bytes.size());
}

std::vector<v1::AgentMessage> ReportSession::TakeOutgoing() {
  std::vector<v1::AgentMessage> messages;
  const int64_t now = clock_.NowMilliseconds();
  if (state_ == State::kConnected) {
    *messages.emplace_back().mutable_hello() = options_.hello;
    state_ = State::kAwaitingWelcome;
  } else if (state_ == State::kReporting) {
    if (!in_flight_) MakeReport();
    if (in_flight_ && !in_flight_->sent) {
      AppendChunks(&messages);
      in_flight_->sent = true;
    }
    const int64_t silent = now - last_sent_milliseconds_;
    // A clock that was set back must not silence the agent.
    if (messages.empty() && (silent >= options_.heartbeat_milliseconds || silent < 0)) {
      messages.emplace_back().mutable_heartbeat();
      ++counters_.heartbeats;
    }
  }
  for (v1::AgentMessage& message : messages) message.set_clock_milliseconds(now);
  if (!messages.empty()) last_sent_milliseconds_ = now;
  return messages;
}

std::optional<int64_t> ReportSession::NextHeartbeatMilliseconds() const {
  if (state_ != State::kReporting) return std::nullopt;
  int64_t next = last_sent_milliseconds_ + options_.heartbeat_milliseconds;
  // While a report is in flight they wait for its end, and nobody has to wake up for them.
  if (FileCountsDiffer() && !in_flight_) {
    next =
        std::min(next, *files_differ_since_milliseconds_ + options_.file_counts_delay_milliseconds);
  }
  return next;
}

bool ReportSession::UpToDate() const {
  return state_ == State::kReporting && !in_flight_ && !needs_snapshot_ && pending_.empty() &&
         !SettingsDiffer() && !FileCountsDiffer();
}

}  // namespace fleetqshape
