#include "cli/output/shown_name.h"

#include <idn2.h>
#include <unictype.h>
#include <unistr.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/base/printable.h"

namespace fleetqshape {
namespace {

struct Idn2Free {
  void operator()(char* text) const { idn2_free(text); }
};
using Idn2Text = std::unique_ptr<char, Idn2Free>;

// A DNS name has at most 253 bytes; more is no name, and none of libidn2's work.
constexpr size_t kLongestName = 253;

bool IsPlain(char c) { return c > 0x20 && c < 0x7F; }

bool HasEncodedLabel(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower({name.data(), name.size()});
  return lower.starts_with("xn--") || lower.find(".xn--") != std::string::npos;
}

// Letters of several scripts in one label, a Cyrillic o among Latin ones, look like another name;
// but Chinese, Japanese and Korean are written together with Latin. Dots in the middle look like
// dots.
bool LooksLikeAnother(const std::string& name) {
  static constexpr const char* kTogether[] = {"Latin",    "Han",      "Hiragana",
                                              "Katakana", "Bopomofo", "Hangul"};
  std::set<std::string_view> scripts;
  bool together = true;
  const auto* next = reinterpret_cast<const uint8_t*>(name.c_str());
  ucs4_t character = 0;
  while ((next = u8_next(&character, next)) != nullptr) {
    if (character == 0xB7 || character == 0x30FB) return true;
    if (character == '.') {
      if (scripts.size() > 1 && !together) return true;
      scripts.clear();
      together = true;
      continue;
    }
    const uc_script_t* script = uc_script(character);
    const std::string_view script_name = script == nullptr ? "" : script->name;
    if (script_name == "Common" || script_name == "Inherited") continue;
    scripts.insert(script_name);
    together = together && std::find(std::begin(kTogether), std::end(kTogether), script_name) !=
                               std::end(kTogether);
  }
  return scripts.size() > 1 && !together;
}

// Empty if the name is none that may be shown so. It has no dot at its start.
std::string InUnicode(const std::string& name) {
  char* out = nullptr;
  if (idn2_to_unicode_8z8z(name.c_str(), &out, 0) != IDN2_OK) return "";
  const Idn2Text unicode(out);
  out = nullptr;
  // Strictly IDNA2008, without the mappings of TR46: characters that it does not allow, or that
  // stand for others, fail here.
  const int back = idn2_to_ascii_8z(unicode.get(), &out, IDN2_NFC_INPUT | IDN2_NO_TR46);
  const Idn2Text ascii(back == IDN2_OK ? out : nullptr);
  if (ascii == nullptr || !absl::EqualsIgnoreCase(ascii.get(), name)) return "";
  std::string shown = unicode.get();
  return PrintableName(shown) == shown && !LooksLikeAnother(shown) ? shown : "";
}

}  // namespace

std::string ShownName(std::string_view name, bool unicode) {
  if (!unicode || name.size() > kLongestName || !HasEncodedLabel(name)) return PrintableName(name);
  for (const char c : name) {
    if (!IsPlain(c)) return PrintableName(name);
  }
  const std::string_view dot = name.starts_with('.') ? "." : "";  // a parent domain
  const std::string shown = InUnicode(std::string(name.substr(dot.size())));
  return shown.empty() ? PrintableName(name) : std::string(dot) + shown;
}

}  // namespace fleetqshape
