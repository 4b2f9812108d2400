#include "aggregator/check_command.h"

#include <cinttypes>
#include <cstdio>

#include "aggregator/store/store_check.h"
#include "common/options/layered_options.h"

namespace fleetqshape {

int RunCheck(const std::string& directory) {
  const auto check = CheckStore(directory);
  if (!check.ok()) {
    PrintError("fleetqshape-aggregator", std::string(check.status().message()));
    return kExitError;
  }
  for (const std::string& problem : check->problems) std::printf("damaged: %s\n", problem.c_str());
  for (const std::string& note : check->notes) std::printf("note: %s\n", note.c_str());
  std::printf("%s: %" PRIu64 " relays, %" PRIu64 " names, %" PRIu64 " messages, %" PRIu64
              " recipients, %" PRIu64 " bytes, format %s\n",
              check->problems.empty() ? "sound" : "not sound", check->relays, check->names,
              check->messages, check->recipients, check->bytes,
              check->format.empty() ? "unknown" : check->format.c_str());
  std::fflush(stdout);
  return check->problems.empty() ? kExitOk : kExitError;
}

}  // namespace fleetqshape
