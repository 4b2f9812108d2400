// fleetqshape-aggregator's options.
#ifndef FLEETQSHAPE_AGGREGATOR_OPTIONS_H_
#define FLEETQSHAPE_AGGREGATOR_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace fleetqshape {

struct AggregatorOptions {
  // Not empty: the store there is checked, and nothing else is done. Then no other is needed.
  std::string check_directory;
  std::string data_directory;
  std::string ingest_listen;  // HOST:PORT; port 0: the system chooses one
  std::string query_listen;   // HOST:PORT; as above
  // PEM files for questions; all empty: plain text. With an authority, questions need a certificate
  // from it.
  std::string query_tls_certificate;
  std::string query_tls_key;
  std::string query_tls_client_ca;
  std::string metrics_listen;  // HOST:PORT; as above; empty: no metrics are served
  int64_t stale_after_seconds = 60;
  int64_t forget_after_seconds = int64_t{7} * 24 * 3600;
  std::string log_level = "info";
};

// As ParseAgentOptions; the environment's variables are FLEETQSHAPE_AGGREGATOR_...
std::optional<AggregatorOptions> ParseAggregatorOptions(int argc, const char* const* argv,
                                                        int* exit_status);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_AGGREGATOR_OPTIONS_H_
