// What a simulated fleet did, for people and for programs.
#ifndef FLEETQSHAPE_SIMULATOR_FIGURES_TEXT_H_
#define FLEETQSHAPE_SIMULATOR_FIGURES_TEXT_H_

#include <string>

#include "simulator/rpc/fleet_run.h"

namespace fleetqshape {

// One line, without its end.
std::string ProgressText(const char* phase, const RunFigures& figures);
// Some lines, each with its end.
std::string FiguresText(const RunFigures& figures);
// An object in one line, with its end.
std::string FiguresJson(const RunFigures& figures);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_SIMULATOR_FIGURES_TEXT_H_
