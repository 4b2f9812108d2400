// A watched table as the lines of a screen.
#ifndef FLEETQSHAPE_CLI_WATCH_WATCH_PAGE_H_
#define FLEETQSHAPE_CLI_WATCH_WATCH_PAGE_H_

#include <cstddef>
#include <optional>

#include "cli/output/screen_text.h"
#include "cli/watch/watch_model.h"
#include "common/base/clock.h"

namespace fleetqshape {

struct PageSize {
  size_t lines = 24;
  size_t columns = 80;
};

// At most size.lines lines of at most size.columns columns: what is asked; how old the answer is
// and what it covers; the table, with growth before each row where the width allows; which rows
// these are of how many, and the keys. On a low screen the table goes before all else but a
// failure. `asking_since`: when the question under way was asked; it is worth a word if that is
// long ago. *rows_on_page, if given, becomes how many rows of the table, TOTAL not counted, it has.
ScreenText PageOf(const WatchModel& model, const PageSize& size, const Moment& now,
                  std::optional<int64_t> asking_since_monotonic_milliseconds,
                  size_t* rows_on_page = nullptr);

// How many rows of a table, TOTAL not counted, such a page has room for, whatever else is to be
// said: more than that where all is well, less where a row takes several lines.
size_t RoomOf(const PageSize& size);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_WATCH_PAGE_H_
