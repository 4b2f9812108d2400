#include "simulator/figures_text.h"

#include "nlohmann/json.hpp"
#include "spdlog/fmt/fmt.h"

namespace fleetqshape {

std::string ProgressText(const char* phase, const RunFigures& figures) {
  return fmt::format(
      "{}: {} of {} agents connected, {} messages, {} reports acknowledged, {} agents wait", phase,
      figures.welcome, figures.agents, figures.messages, figures.sum.session.acknowledged,
      figures.waiting);
}

std::string FiguresText(const RunFigures& figures) {
  const ReportSession::Counters& session = figures.sum.session;
  std::string text = fmt::format(
      "agents       {} of {} connected, {} never; {} streams ended meanwhile\n"
      "reports      {} made: {} snapshots, {} deltas; {} acknowledged, {} sent again, {} lost\n"
      "             {} snapshots were asked for; {} agents wait for an acknowledgement\n"
      "content      {} arrivals gained and lost, {} bytes of reports, {} heartbeats\n"
      "latency      half within {} ms, 99% within {} ms, until acknowledged\n"
      "queues       {} messages at the end, at {}\n",
      figures.welcome, figures.agents, figures.never_welcome, figures.sum.ended,
      session.snapshots + session.deltas, session.snapshots, session.deltas, session.acknowledged,
      session.resent, session.lost, session.snapshot_requests, figures.waiting, session.cells,
      session.bytes, session.heartbeats, figures.latency_p50_milliseconds,
      figures.latency_p99_milliseconds, figures.messages, figures.now_seconds);
  if (!figures.problem.empty()) {
    text += fmt::format("trouble      a stream ended: {}\n", figures.problem);
  }
  return text;
}

std::string FiguresJson(const RunFigures& figures) {
  const ReportSession::Counters& session = figures.sum.session;
  const nlohmann::ordered_json document = {
      {"agents", figures.agents},
      {"agents_connected", figures.welcome},
      {"agents_never_connected", figures.never_welcome},
      {"agents_waiting", figures.waiting},
      {"connections", figures.sum.connections},
      {"streams_ended", figures.sum.ended},
      {"snapshots", session.snapshots},
      {"deltas", session.deltas},
      {"reports_acknowledged", session.acknowledged},
      {"reports_resent", session.resent},
      {"reports_lost", session.lost},
      {"snapshot_requests", session.snapshot_requests},
      {"cells", session.cells},
      {"report_bytes", session.bytes},
      {"heartbeats", session.heartbeats},
      {"latency_p50_milliseconds", figures.latency_p50_milliseconds},
      {"latency_p99_milliseconds", figures.latency_p99_milliseconds},
      {"messages", figures.messages},
      {"milliseconds", figures.milliseconds},
      {"at_seconds", figures.now_seconds},
      {"problem", figures.problem},
  };
  using Json = nlohmann::ordered_json;
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fleetqshape
