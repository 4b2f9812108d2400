#include "cli/output.h"

#include "common/options/layered_options.h"

namespace fleetqshape {

bool PrintText(std::string_view text) { return PrintOutput("fleetqshape", text); }

}  // namespace fleetqshape
