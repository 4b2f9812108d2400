#include "aggregator/metrics/metrics_text.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace fleetqshape {
namespace {

// Gathers metric families. Names are given without what all of them begin with.
class Families {
 public:
  struct Sample {
    std::string label_value;
    uint64_t value;
  };

  void AddCounter(const std::string& name, const std::string& help, uint64_t value) {
    AddCounters(name, help, "", {{"", value}});
  }
  void AddCounters(const std::string& name, const std::string& help, const std::string& label,
                   const std::vector<Sample>& samples) {
    Begin(name, help, prometheus::MetricType::Counter);
    for (const Sample& sample : samples) {
      AddSample(label, sample.label_value).counter.value = static_cast<double>(sample.value);
    }
  }
  void AddGauge(const std::string& name, const std::string& help, double value) {
    Begin(name, help, prometheus::MetricType::Gauge);
    AddSample("", "").gauge.value = value;
  }
  void AddGauges(const std::string& name, const std::string& help, const std::string& label,
                 const std::vector<Sample>& samples) {
    Begin(name, help, prometheus::MetricType::Gauge);
    for (const Sample& sample : samples) {
      AddSample(label, sample.label_value).gauge.value = static_cast<double>(sample.value);
    }
  }

  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void Begin(const std::string& name, const std::string& help, prometheus::MetricType type) {
    families_.push_back({"fleetqshape_aggregator_" + name, help, type, {}});
  }
  prometheus::ClientMetric& AddSample(const std::string& label, const std::string& label_value) {
    prometheus::ClientMetric& sample = families_.back().metric.emplace_back();
    if (!label.empty()) sample.label.push_back({label, label_value});
    return sample;
  }

  std::vector<prometheus::MetricFamily> families_;
};

void AddReports(const IngestEngine::Counters& counters, Families* families) {
  families->AddCounter("reports_total", "Reports applied.", counters.reports);
  families->AddCounter("snapshots_total", "Reports applied that were an agent's whole state.",
                       counters.snapshots);
  families->AddCounter("duplicate_reports_total",
                       "Reports that came again; they were acknowledged and not applied again.",
                       counters.duplicates);
  families->AddCounter("refused_reports_total",
                       "Reports that were answered with a request for a snapshot.",
                       counters.refused);
  families->AddCounter("digest_mismatches_total",
                       "Reports refused because they led to another state than the agent's.",
                       counters.digest_mismatches);
  families->AddCounter("unstored_reports_total",
                       "Reports turned away because the store failed; agents send them again.",
                       counters.unstored);
  families->AddCounter("cells_total", "Arrivals gained and lost in the reports applied.",
                       counters.cells);
  families->AddCounters("snapshot_differences_total",
                        "Arrivals in which snapshots differed from what was known.", "change",
                        {{"gained", counters.snapshot_gained}, {"lost", counters.snapshot_lost}});
}

void AddStore(const IngestEngine::Counters& counters, bool store_works, Families* families) {
  families->AddCounter("batches_total", "Batches of reports written to the store.",
                       counters.batches);
  families->AddCounter("failed_batches_total", "Batches that the store did not take.",
                       counters.failed_batches);
  families->AddCounter("store_recoveries_total", "Times that the store worked again.",
                       counters.recoveries);
  families->AddGauge("store_works", "Whether the store takes reports: 1, or 0 if it does not.",
                     store_works ? 1 : 0);
}

void AddRelays(const IngestEngine::Counters& counters, const RelayCounts& relays,
               Families* families) {
  families->AddCounter("damaged_relays_total", "Relays whose stored state could not be read.",
                       counters.damaged);
  families->AddCounter("forgotten_relays_total", "Relays that were forgotten.", counters.forgotten);
  families->AddGauges(
      "relays", "Relays heard of lately, not heard of lately, and known without a state.",
      "freshness", {{"fresh", relays.fresh}, {"stale", relays.stale}, {"missing", relays.missing}});
  families->AddGauge("connected_relays", "Relays whose agents have their streams open.",
                     static_cast<double>(relays.connected));
}

void AddStreams(const IngestSessions::Counters& counters, Families* families) {
  families->AddGauge("open_streams", "Streams of agents that are open.",
                     static_cast<double>(counters.open));
  families->AddCounter("ended_streams_total",
                       "Streams that the aggregator ended: bad input, no room, or trouble.",
                       counters.ended);
  families->AddGauge("held_report_bytes", "Memory held for reports that are under way.",
                     static_cast<double>(counters.held_bytes));
  families->AddGauge("waiting_reports", "Reports that wait for memory to be admitted.",
                     static_cast<double>(counters.waiting));
}

}  // namespace

std::string MetricsText(const MetricValues& values) {
  Families families;
  families.AddGauges("build_info", "Always 1; the label has the version of the program.", "version",
                     {{FLEETQSHAPE_VERSION, 1}});
  families.AddGauge("start_time_seconds", "When the aggregator started, in seconds since 1970.",
                    static_cast<double>(values.started_milliseconds) / 1000);
  AddReports(values.engine, &families);
  AddStore(values.engine, values.store_works, &families);
  AddRelays(values.engine, values.relays, &families);
  AddStreams(values.sessions, &families);
  return families.Text();
}

}  // namespace fleetqshape
