// What fleetqshape is asked (cli/options reads it from the command line).
#ifndef FLEETQSHAPE_CLI_OPTIONS_H_
#define FLEETQSHAPE_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/shape/age_buckets.h"
#include "common/shape/queue.h"
#include "common/shape/shape_table.h"
#include "common/shape/table_text.h"

namespace fleetqshape {

enum class Question {
  kTable,             // of queued mail
  kRelays,            // which relays a fleet has
  kForget,            // relays, by the aggregator
  kContextList,       // of the configuration file
  kContextUse,        // makes another one the current one
  kCompletionScript,  // for a shell
  kComplete,          // a word, for that script
};

enum class Output { kTable, kWide, kJson, kCsv, kPrometheus };
enum class Color { kAuto, kAlways, kNever };

// A condition on a relay's label, or on its cluster, host or instance.
struct LabelMatch {
  std::string key;
  std::vector<std::string> values;  // any of these; empty: any value at all
  bool negated = false;             // relays that do not match, those without the label too

  bool operator==(const LabelMatch&) const = default;
};

// What the answer must not be above.
struct Threshold {
  // What TOTAL counts (recipients; messages by sender), or the age in seconds of the oldest of it.
  enum class Figure { kTotal, kOldest };
  Figure figure = Figure::kTotal;
  uint64_t limit = 0;
  bool reached_counts = false;  // the limit itself crosses it: >= rather than >
  std::string text;             // as given

  bool operator==(const Threshold&) const = default;
};

// Files in PEM. Without any of them, and without `required`, the aggregator is asked in plain text.
struct TlsOptions {
  std::string ca_file;  // empty: the system's authorities
  std::string certificate_file;
  std::string key_file;
  bool required = false;

  bool enabled() const {
    return required || !ca_file.empty() || !certificate_file.empty() || !key_file.empty();
  }
};

struct CliOptions {
  Question question = Question::kTable;

  // What to count.
  Axis axis = Axis::kRecipientDomain;
  std::vector<std::string> queues;  // as given; incoming and active unless given
  BucketOptions buckets;
  RowOptions rows;
  std::optional<int64_t> at_seconds;  // the time that ages are measured at; now if not given
  // host, relay, cluster, instance, queue or a label's key. Empty: rows are names.
  std::string rows_by;
  std::vector<std::string>
      names;  // only these, in lower case; one with a leading dot and all below
  std::optional<int64_t> min_age_seconds;  // at least
  std::optional<int64_t> max_age_seconds;  // less than
  // Groups side by side: by this key, of these values or of all. Empty: nothing is compared.
  std::string compare_key;
  std::vector<std::string> compare_values;

  // How to show it. `text` has the width and the heads; raw names and the row limit are decided
  // when it is known what standard output is.
  TextOptions text;
  double redraw_messages = 1000;  // -N
  double redraw_rows = 20;        // -n
  // total, name, share, ratio or the name of a group. Empty: share in a comparison, else total.
  std::string sort;
  // Only the first rows, TOTAL not counted, whatever standard output is.
  std::optional<uint64_t> max_rows;
  Output output = Output::kTable;
  Color color = Color::kAuto;
  bool unicode = false;  // internationalized domain names as people write them

  // How to ask again and again. Not set: once.
  std::optional<double> watch_seconds;

  // What the exit status tells.
  bool strict = false;  // whether all relays are in the answer
  std::vector<Threshold> fail_if;
  bool check = false;  // kRelays: whether all is well with them

  // Where it comes from.
  bool local = false;  // this machine's queue files; else an aggregator
  bool compat = false;
  std::string config_directory;  // -c
  bool verbose = false;
  std::vector<std::string> servers;  // HOST:PORT, tried in turn
  TlsOptions tls;
  std::string context;  // whose servers and selection these are; empty: none
  std::vector<std::string> clusters;
  std::vector<std::string> hosts;
  std::vector<std::string> roles;
  std::vector<LabelMatch> matches;  // all of them
  bool select_typed = false;        // these are from the command line itself

  bool stranded = false;  // kForget: also relays whose queues were not empty

  std::string config_file;  // empty: there is none
  // kContextUse: the context's name. kCompletionScript: the shell's. kComplete: the words of the
  // line, the last one being the one to complete.
  std::vector<std::string> arguments;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OPTIONS_H_
