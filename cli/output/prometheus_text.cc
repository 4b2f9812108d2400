#include "cli/output/prometheus_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/fullness.h"
#include "cli/output/question_words.h"
#include "cli/output/relay_facts.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

std::string LabelsText(const Labels& labels) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : labels) {
    parts.push_back(absl::StrCat(
        std::string(key), "=\"",
        absl::StrReplaceAll(PrintableName(value), {{"\\", "\\\\"}, {"\"", "\\\""}}), "\""));
  }
  return parts.empty() ? "" : absl::StrCat("{", absl::StrJoin(parts, ","), "}");
}

// One metric: its samples follow each other, as the format wants it.
class Metric {
 public:
  Metric(const std::string& name, const std::string& help, std::string* out)
      : name_(name), help_(help), out_(out) {}

  template <typename Number>
  void Add(const Labels& labels, Number value) {
    if (!has_head_) {
      absl::StrAppend(out_, "# HELP ", name_, " ", help_, "\n# TYPE ", name_, " gauge\n");
    }
    has_head_ = true;
    absl::StrAppend(out_, name_, LabelsText(labels), " ", value, "\n");
  }

 private:
  const std::string name_;
  const std::string help_;
  std::string* const out_;
  bool has_head_ = false;
};

// What is counted under a name, and in all: the same metrics twice, so that no sum over names
// counts TOTAL too.
class TableMetrics {
 public:
  TableMetrics(const v1::TableRequest& asked, const FleetTable& answer)
      : answer_(answer), limits_(BucketLimits(asked, answer.columns())) {
    std::vector<std::string> queues;
    for (const int queue : asked.queues()) {
      queues.push_back(QueueWord(static_cast<v1::Queue>(queue)));
    }
    queues_ = absl::StrJoin(queues, ",");
    counted_ = IsSenderAxis(asked) ? "messages" : "recipients";
  }

  void AppendTotals(std::string* out) const {
    Append("fleetqshape_all_", "in all", 1, out, [this](size_t, size_t group) {
      return std::pair(answer_.total(group), BaseLabels(group));
    });
  }

  void AppendRows(size_t rows, std::string* out) const {
    Append("fleetqshape_", "by name", rows, out, [this](size_t row, size_t group) {
      Labels labels = BaseLabels(group);
      labels.emplace_back("name", answer_.names[row]);
      return std::pair(answer_.row(row, group), std::move(labels));
    });
  }

 private:
  Labels BaseLabels(size_t group) const {
    Labels labels = {{"queues", queues_}};
    const std::string& name = answer_.head.groups(static_cast<int>(group)).name();
    if (answer_.groups() > 1 || !name.empty()) labels.emplace_back("group", name);
    return labels;
  }

  // `cell` tells the counts and the labels of a row and group.
  template <typename Cell>
  void Append(const std::string& prefix, const std::string& of, size_t rows, std::string* out,
              const Cell& cell) const {
    const auto each = [&](const auto& add) {
      for (size_t row = 0; row < rows; ++row) {
        for (size_t group = 0; group < answer_.groups(); ++group) add(cell(row, group));
      }
    };
    Metric counts(prefix + counted_, absl::StrCat("Queued ", counted_, " ", of, "."), out);
    each([&](const auto& one) { counts.Add(one.second, one.first.counts[0]); });
    Metric ages(prefix + counted_ + "_by_age",
                absl::StrCat("Queued ", counted_, " ", of,
                             ", whose age in seconds is from `from` to below `to`."),
                out);
    each([&](const auto& one) {
      double from = 0;
      for (size_t i = 0; i < limits_.size(); ++i) {
        Labels labels = one.second;
        labels.emplace_back("from", absl::StrCat(from));
        labels.emplace_back("to", std::isinf(limits_[i]) ? "+Inf" : absl::StrCat(limits_[i]));
        ages.Add(labels, one.first.counts[i + 1]);
        from = limits_[i];
      }
    });
    Metric median(prefix + counted_ + "_median_age_seconds", "The median age " + of + ".", out);
    each([&](const auto& one) {
      if (one.first.median_age >= 0) median.Add(one.second, one.first.median_age);
    });
    Metric oldest(prefix + counted_ + "_oldest_age_seconds", "The oldest age " + of + ".", out);
    each([&](const auto& one) {
      if (one.first.oldest_age >= 0) oldest.Add(one.second, one.first.oldest_age);
    });
  }

  const FleetTable& answer_;
  const std::vector<double> limits_;
  std::string queues_;
  std::string counted_;
};

void AppendCoverage(const v1::Coverage& coverage, std::string* out) {
  uint64_t stranded = 0;
  for (const v1::RelayNotice& relay : coverage.stale()) stranded += relay.messages();
  Metric relays("fleetqshape_answer_relays", "Relays that the answer is of, by state.", out);
  relays.Add({{"state", "fresh"}}, coverage.fresh());
  relays.Add({{"state", "stale"}}, coverage.stale_size());
  relays.Add({{"state", "missing"}}, coverage.missing_size());
  Metric("fleetqshape_answer_stranded_messages", "Messages on stale relays.", out)
      .Add({}, stranded);
  Metric("fleetqshape_answer_skipped_files", "Queue files that could not be counted.", out)
      .Add({}, coverage.skipped_files());
}

Labels RelayLabels(const v1::RelayStatus& relay) {
  return {{"cluster", relay.cluster()}, {"host", relay.host()}, {"instance", relay.instance()}};
}

}  // namespace

std::string TablePrometheus(const v1::TableRequest& asked, const FleetTable& answer, size_t rows) {
  std::string out;
  const size_t shown = rows == 0 ? answer.names.size() : std::min(rows, answer.names.size());
  const TableMetrics metrics(asked, answer);
  metrics.AppendTotals(&out);
  metrics.AppendRows(shown, &out);
  const uint64_t all = std::max<uint64_t>(answer.head.rows(), answer.names.size());
  Metric("fleetqshape_answer_rows_left_out", "Rows that have no series here.", &out)
      .Add({}, all - shown);
  AppendCoverage(answer.head.coverage(), &out);
  Metric("fleetqshape_answer_timestamp_seconds", "The time that the answer stands for.", &out)
      .Add({}, answer.head.at_seconds());
  return out;
}

std::string RelaysPrometheus(const v1::ListRelaysResponse& relays) {
  std::string out;
  const auto each = [&](const char* name, const char* help, const auto& add) {
    Metric metric(name, help, &out);
    for (const v1::RelayStatus& relay : relays.relays()) add(relay, &metric);
  };
  each("fleetqshape_relay_messages", "Messages in a queue of a relay.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         if (!HasState(relay)) return;
         for (const v1::Queue queue : kQueues) {
           Labels labels = RelayLabels(relay);
           labels.emplace_back("queue", QueueWord(queue));
           metric->Add(labels, MessagesIn(relay, queue));
         }
       });
  each("fleetqshape_relay_active_limit", "How many messages active holds at most.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         const uint64_t limit = relay.settings().active_limit();
         if (limit > 0) metric->Add(RelayLabels(relay), limit);
       });
  each("fleetqshape_relay_state", "1 for the state that a relay is in.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         Labels labels = RelayLabels(relay);
         labels.emplace_back("state", StateOf(relay));
         metric->Add(labels, 1);
       });
  each("fleetqshape_relay_silent_seconds", "Since the relay was last heard of.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         metric->Add(RelayLabels(relay), relay.silent_seconds());
       });
  each("fleetqshape_relay_clock_offset_seconds", "How far its clock is ahead.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         metric->Add(RelayLabels(relay),
                     static_cast<double>(relay.clock_offset_milliseconds()) / 1000);
       });
  each("fleetqshape_relay_skipped_files", "Queue files that could not be counted.",
       [](const v1::RelayStatus& relay, Metric* metric) {
         metric->Add(RelayLabels(relay), SkippedFiles(relay));
       });
  return out;
}

}  // namespace fleetqshape
