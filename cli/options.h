// fleetqshape's options.
#ifndef FLEETQSHAPE_CLI_OPTIONS_H_
#define FLEETQSHAPE_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/shape/age_buckets.h"
#include "common/shape/queue.h"
#include "common/shape/shape_table.h"
#include "common/shape/table_text.h"

namespace fleetqshape {

enum class Question {
  kTable,   // of queued mail
  kRelays,  // which relays a fleet has
  kForget,  // relays, by the aggregator
};

struct CliOptions {
  Question question = Question::kTable;

  // What to count.
  Axis axis = Axis::kRecipientDomain;
  std::vector<std::string> queues;  // as given; incoming and active unless given
  BucketOptions buckets;
  RowOptions rows;
  std::optional<int64_t> at_seconds;  // the time that ages are measured at; now if not given

  // How to show it. `text` has the width and the heads; raw names and the row limit are decided
  // when it is known what standard output is.
  TextOptions text;
  double redraw_messages = 1000;  // -N
  double redraw_rows = 20;        // -n

  // Where it comes from.
  bool local = false;  // this machine's queue files; else an aggregator
  bool compat = false;
  std::string config_directory;  // -c
  bool verbose = false;
  std::string server;
  std::vector<std::string> clusters;
  std::vector<std::string> hosts;
  std::vector<std::string> roles;
  std::vector<std::pair<std::string, std::string>> matches;

  bool stranded = false;  // kForget: also relays whose queues were not empty
};

// Reads the command line, the environment and the configuration file. If there is nothing to do
// (--help, --version, wrong use) it has printed what there is to say and returns nothing:
// `exit_status` is what to exit with. Values that qshape would warn about get a warning on standard
// error and leave the default in place, as there.
std::optional<CliOptions> ParseCliOptions(int argc, const char* const* argv, int* exit_status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_H_
