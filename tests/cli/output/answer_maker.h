// Answers of an aggregator, made by hand.
#ifndef FLEETQSHAPE_TESTS_CLI_OUTPUT_ANSWER_MAKER_H_
#define FLEETQSHAPE_TESTS_CLI_OUTPUT_ANSWER_MAKER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/output/fleet_table.h"

namespace fleetqshape::test {

// One cell: counts by age, and the median and oldest age.
struct Cell {
  std::vector<uint64_t> ages;
  int64_t median = -1;
  int64_t oldest = -1;
};

struct Row {
  std::string name;
  std::vector<Cell> cells;  // of each group
};

inline void AddCounts(const Cell& cell, std::vector<uint64_t>* counts) {
  uint64_t sum = 0;
  for (const uint64_t count : cell.ages) sum += count;
  counts->push_back(sum);
  counts->insert(counts->end(), cell.ages.begin(), cell.ages.end());
}

// `groups`: names and relays; one without a name: nothing was compared. `total` is of each group.
inline FleetTable MakeAnswer(const std::vector<std::pair<std::string, uint32_t>>& groups,
                             const std::vector<Cell>& total, const std::vector<Row>& rows) {
  FleetTable answer;
  answer.head.set_columns(static_cast<uint32_t>(total.at(0).ages.size() + 1));
  for (const auto& [name, relays] : groups) {
    v1::Group* group = answer.head.add_groups();
    group->set_name(name);
    group->set_relays(relays);
  }
  std::vector<uint64_t> totals;
  for (const Cell& cell : total) {
    AddCounts(cell, &totals);
    answer.head.add_median_ages(cell.median);
    answer.head.add_oldest_ages(cell.oldest);
  }
  answer.head.mutable_total()->Add(totals.begin(), totals.end());
  for (const Row& row : rows) {
    answer.names.push_back(row.name);
    for (const Cell& cell : row.cells) {
      AddCounts(cell, &answer.counts);
      answer.median_ages.push_back(cell.median);
      answer.oldest_ages.push_back(cell.oldest);
    }
  }
  answer.head.set_rows(rows.size());
  answer.head.set_at_seconds(1'700'000'000);
  return answer;
}

// Two gateways, nearly clean, and a spam relay with a backlog.
inline FleetTable MakeComparison() {
  return MakeAnswer(
      {{"gateway", 2}, {"spam-relay", 1}},
      {{{17, 10, 106}, 2280, 172'800}, {{103, 73, 4523}, 19'200, 416'000}},
      {{"dead-shop.example", {{{0, 0, 0}}, {{0, 2, 1395}, 216'000, 416'000}}},
       {"gmail.example", {{{7, 6, 36}, 2400, 9000}, {{100, 62, 1760}, 14'000, 25'000}}},
       {"outlook.example", {{{10, 4, 70}, 3600, 172'800}, {{3, 9, 1368}, 14'400, 36'000}}}});
}

inline v1::RelayStatus MakeRelay(const std::string& host, const std::string& role, uint64_t active,
                                 uint64_t deferred, v1::Freshness freshness) {
  v1::RelayStatus relay;
  relay.set_cluster("eu");
  relay.set_host(host);
  relay.set_instance("postfix");
  if (!role.empty()) {
    v1::Label* label = relay.add_labels();
    label->set_key("role");
    label->set_value(role);
  }
  for (const auto& [queue, messages] :
       {std::pair(v1::QUEUE_ACTIVE, active), std::pair(v1::QUEUE_DEFERRED, deferred)}) {
    v1::QueueMessages* one = relay.add_queues();
    one->set_queue(queue);
    one->set_messages(messages);
  }
  relay.mutable_settings()->set_active_limit(20'000);
  relay.mutable_settings()->set_mail_version("3.7.11");
  relay.set_agent_version("0.1.0");
  relay.set_heard_seconds(1'700'000'000);
  relay.set_freshness(freshness);
  return relay;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_CLI_OUTPUT_ANSWER_MAKER_H_
