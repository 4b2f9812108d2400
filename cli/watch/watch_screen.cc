#include "cli/watch/watch_screen.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/style_look.h"
#include "cli/output/terminfo.h"
#include "common/base/printable.h"
// Last: this header defines macros with short names.
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1
#include <curses.h>

namespace fleetqshape {
namespace {

// So long a lone escape character may be the start of an arrow key.
constexpr int kEscapeMilliseconds = 50;

std::string TermText() {
  const char* term = std::getenv("TERM");
  return term == nullptr || *term == '\0' ? "TERM is not set"
                                          : PrintableName(absl::StrCat("TERM is ", term));
}

// Names are UTF-8 whatever the locale is, as in all that this program prints.
void UseUtf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

attr_t AttributesOf(Style style) {
  switch (style) {
    case Style::kHead:
    case Style::kHeat5:
    case Style::kBad:
    case Style::kWarning:
      return A_BOLD;
    case Style::kDim:
      return A_DIM;
    default:
      return A_NORMAL;
  }
}

WatchKey KeyOf(int key) {
  switch (key) {
    case 'q':
    case 'Q':
      return WatchKey::kQuit;
    case 's':
      return WatchKey::kAxis;
    case '1':
      return WatchKey::kMaildrop;
    case '2':
      return WatchKey::kHold;
    case '3':
      return WatchKey::kIncoming;
    case '4':
      return WatchKey::kActive;
    case '5':
      return WatchKey::kDeferred;
    case 'c':
      return WatchKey::kCluster;
    case 'p':
    case ' ':
      return WatchKey::kPause;
    case 'g':
      return WatchKey::kGrowth;
    case 't':
      return WatchKey::kTotal;
    case 'r':
      return WatchKey::kReset;
    case '-':
      return WatchKey::kFaster;
    case '+':
    case '=':
      return WatchKey::kSlower;
    case '?':
    case 'h':
      return WatchKey::kHelp;
    case KEY_UP:
    case 'k':
      return WatchKey::kUp;
    case KEY_DOWN:
    case 'j':
      return WatchKey::kDown;
    case KEY_PPAGE:
      return WatchKey::kPageUp;
    case KEY_NPAGE:
      return WatchKey::kPageDown;
    case KEY_HOME:
      return WatchKey::kHome;
    default:
      return WatchKey::kOther;
  }
}

}  // namespace

struct WatchScreen::Curses {
  SCREEN* screen = nullptr;
  std::array<attr_t, kStyles> attributes{};
  std::array<short, kStyles> pairs{};
};

absl::StatusOr<std::unique_ptr<WatchScreen>> WatchScreen::Open(bool color) {
  if (isatty(STDOUT_FILENO) != 1 || isatty(STDIN_FILENO) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("--watch draws on a terminal, and standard ",
                                                   isatty(STDOUT_FILENO) != 1 ? "output" : "input",
                                                   " is none: leave it out for one answer, or ask "
                                                   "`fleetqshape deferred`"));
  }
  UseUtf8();
  if (!CanMoveCursor()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--watch needs a terminal that is known and can move its cursor: ", TermText()));
  }
  auto curses = std::make_unique<Curses>();
  curses->screen = newterm(nullptr, stdout, stdin);
  if (curses->screen == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--watch cannot draw on this terminal: ", TermText()));
  }
  set_term(curses->screen);
  // Without these the keys would still come, late.
  (void)cbreak();
  (void)noecho();
  (void)nodelay(stdscr, TRUE);
  (void)keypad(stdscr, TRUE);
  (void)set_escdelay(kEscapeMilliseconds);
  (void)curs_set(0);
  const bool colors = color && start_color() == OK && use_default_colors() == OK && COLORS >= 256;
  for (size_t i = 0; i < kStyles; ++i) {
    const StyleLook look = LookOf(static_cast<Style>(i));
    const auto pair = static_cast<short>(i + 1);
    const bool has_pair = colors && (look.foreground >= 0 || look.background >= 0) &&
                          init_pair(pair, look.foreground, look.background) == OK;
    curses->pairs[i] = has_pair ? pair : static_cast<short>(0);
    curses->attributes[i] =
        has_pair ? (look.bold ? A_BOLD : A_NORMAL) : AttributesOf(static_cast<Style>(i));
  }
  return std::unique_ptr<WatchScreen>(new WatchScreen(std::move(curses)));
}

WatchScreen::WatchScreen(std::unique_ptr<Curses> curses) : curses_(std::move(curses)) {}

WatchScreen::~WatchScreen() {
  (void)endwin();
  delscreen(curses_->screen);
}

size_t WatchScreen::lines() const { return static_cast<size_t>(std::max(getmaxy(stdscr), 0)); }
size_t WatchScreen::columns() const { return static_cast<size_t>(std::max(getmaxx(stdscr), 0)); }

void WatchScreen::Draw(const ScreenText& text) {
  (void)erase();
  const size_t last = std::min(text.size(), lines());
  for (size_t line = 0; line < last; ++line) {
    (void)move(static_cast<int>(line), 0);
    const ScreenLine cut = text[line].Cut(columns());
    for (const Span& span : cut.spans()) {
      const auto style = static_cast<size_t>(span.style);
      (void)attr_set(curses_->attributes[style], curses_->pairs[style], nullptr);
      (void)addnstr(span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  (void)attr_set(A_NORMAL, 0, nullptr);
  (void)refresh();
}

std::optional<WatchKey> WatchScreen::ReadKey() {
  int key = getch();
  while (key == KEY_RESIZE) key = getch();
  if (key == ERR) return std::nullopt;
  return KeyOf(key);
}

void WatchScreen::Resize() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return;
  if (size.ws_row == getmaxy(stdscr) && size.ws_col == getmaxx(stdscr)) return;
  (void)resizeterm(size.ws_row, size.ws_col);
  (void)clearok(curscr, TRUE);
}

void WatchScreen::Suspend() { (void)endwin(); }

void WatchScreen::Resume() {
  // Whoever had the terminal may have left it in any state, and in another size.
  (void)reset_prog_mode();
  (void)clearok(curscr, TRUE);
  (void)refresh();
  Resize();
}

}  // namespace fleetqshape
