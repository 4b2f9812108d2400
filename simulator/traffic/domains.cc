#include "simulator/traffic/domains.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "common/shape/cell_digest.h"

namespace fleetqshape {
namespace {

// Close to 1, as the world's mail is; absl's distribution takes no less than a bit above it.
constexpr double kZipfExponent = 1.05;

constexpr std::array<const char*, 12> kProviders = {
    "gmail.example",   "outlook.example", "yahoo.example",  "icloud.example",
    "hotmail.example", "gmx.example",     "web.example",    "aol.example",
    "proton.example",  "mailru.example",  "orange.example", "comcast.example"};

constexpr std::array<const char*, 8> kHosts = {"mail",  "mx1",     "mx2",   "news",
                                               "lists", "student", "staff", "support"};

constexpr std::array<const char*, 4> kSuffixes = {".example", ".co.example", ".net.example",
                                                  ".org.example"};

// Every kOddStep-th name is one of these.
constexpr uint32_t kOddStep = 50;
const std::array<std::string, 12>& OddNames() {
  static const std::array<std::string, 12> names = {"m\xc3\xbcnchen.example",
                                                    "xn--mnchen-3ya.example",
                                                    "[192.0.2.1]",
                                                    "[IPv6:2001:db8::1]",
                                                    "red\x1b[31m.example",
                                                    "\xe2\x80\xae"
                                                    "elpmaxe.lieg.example",
                                                    "bad-utf8\xff\xfe.example",
                                                    "localhost",
                                                    "two words.example",
                                                    ".hidden.example",
                                                    "tab\there.example",
                                                    std::string(240, 'x') + ".example"};
  return names;
}

// Two letters each, so that no two sequences of them are the same word.
void AppendSyllable(uint32_t number, std::string* word) {
  constexpr std::string_view kConsonants = "bdfghjklmnprstvz";
  constexpr std::string_view kVowels = "aeiou";
  word->push_back(kConsonants[number / 5 % kConsonants.size()]);
  word->push_back(kVowels[number % 5]);
}
constexpr uint32_t kSyllables = 80;

// A word of three syllables or more, another one for each number.
std::string Word(uint32_t number) {
  constexpr uint32_t kThreeSyllables = kSyllables * kSyllables * kSyllables;
  // Steps that have no divisor in common with their number come by all words.
  uint32_t mixed =
      static_cast<uint32_t>(uint64_t{number} % kThreeSyllables * 197'341 % kThreeSyllables);
  std::string word;
  for (int i = 0; i < 3; ++i, mixed /= kSyllables) AppendSyllable(mixed % kSyllables, &word);
  for (uint32_t rest = number / kThreeSyllables; rest > 0; rest /= kSyllables) {
    AppendSyllable(rest % kSyllables, &word);
  }
  return word;
}

std::string MakeName(DomainId id, bool odd_names) {
  if (id == kMailerDaemon) return "MAILER-DAEMON";
  const uint32_t rank = id - 1;
  if (odd_names && id % kOddStep == 0 && id / kOddStep <= OddNames().size()) {
    return OddNames()[id / kOddStep - 1];
  }
  if (rank < kProviders.size()) return kProviders[rank];
  // One of five is a host of an organisation, which has eight of them: rows for -p.
  if (rank % 5 == 4) {
    const uint32_t nth = rank / 5;
    return absl::StrCat(kHosts[nth % kHosts.size()], ".", Word(nth / kHosts.size()),
                        ".edu.example");
  }
  return absl::StrCat(Word(rank), kSuffixes[rank % kSuffixes.size()]);
}

}  // namespace

Domains::Domains(const Options& options)
    : no_forged_(options.no_forged), zipf_(options.count - 1, kZipfExponent, 1.0) {
  for (DomainId id = 0; id <= options.count; ++id) {
    const std::string name = MakeName(id, options.odd_names);
    text_ += name;
    ends_.push_back(static_cast<uint32_t>(text_.size()));
    hashes_.push_back(NameHash(name));
  }
}

std::string_view Domains::Name(DomainId id, std::string* scratch) const {
  if (id >= kFirstForged) {
    *scratch = absl::StrCat(Word(id - kFirstForged), ".forged.example");
    return *scratch;
  }
  const uint32_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(text_).substr(begin, ends_[id] - begin);
}

uint64_t Domains::Hash(DomainId id) const {
  if (id < kFirstForged) return hashes_[id];
  std::string name;
  return NameHash(Name(id, &name));
}

DomainId Domains::Draw(Random* random) const {
  absl::zipf_distribution<uint32_t> zipf = zipf_;
  return 1 + zipf(*random);
}

}  // namespace fleetqshape
