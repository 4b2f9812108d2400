// A terminal that is drawn upon in place, on its alternate screen where it has one (ncursesw). All
// of curses is in here; its state is the process's: one at a time, and for one thread.
#ifndef FLEETQSHAPE_CLI_WATCH_WATCH_SCREEN_H_
#define FLEETQSHAPE_CLI_WATCH_WATCH_SCREEN_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "cli/output/screen_text.h"
#include "cli/watch/watch_key.h"

namespace fleetqshape {

class WatchScreen {
 public:
  // Takes the terminal of standard input and output. INVALID_ARGUMENT, in words for people, if that
  // is none, or TERM says nothing that is of use. Signals are the caller's: see TerminalSignals.
  static absl::StatusOr<std::unique_ptr<WatchScreen>> Open(bool color);
  // The terminal is as it was.
  ~WatchScreen();
  WatchScreen(const WatchScreen&) = delete;
  WatchScreen& operator=(const WatchScreen&) = delete;

  size_t lines() const;
  size_t columns() const;
  // Shows the lines from the top, and nothing else. What does not fit is cut.
  void Draw(const ScreenText& text);
  // A key that was pressed; nothing if there is none. Does not wait.
  std::optional<WatchKey> ReadKey();
  // The terminal may have another size: takes it over. Draw again.
  void Resize();
  // Gives the terminal back for a while, and takes it again. Draw again then.
  void Suspend();
  void Resume();

 private:
  struct Curses;
  explicit WatchScreen(std::unique_ptr<Curses> curses);

  std::unique_ptr<Curses> curses_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_WATCH_WATCH_SCREEN_H_
