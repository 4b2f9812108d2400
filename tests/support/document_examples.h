// The examples in bytes of a document, as its text has them.
//
// An example is a fenced block of Markdown whose info string is a kind and a name, such as
// "hex wire-snapshot". Blocks with one word or none are no examples. What follows # in a line is a
// remark. In a hex block stand bytes of two hexadecimal digits each, and
//   {name}            all bytes of another hex block, of the same document
//   {name FROM TO}    those from byte FROM on, without byte TO
//   key, value, merge before the bytes of a key and of what a store has under it (Entries)
#ifndef FLEETQSHAPE_TESTS_SUPPORT_DOCUMENT_EXAMPLES_H_
#define FLEETQSHAPE_TESTS_SUPPORT_DOCUMENT_EXAMPLES_H_

#include <cstddef>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fleetqshape::test {

// Throws std::runtime_error, which fails a test, where the document is not as said above.
class DocumentExamples {
 public:
  struct Entry {
    std::string key;
    std::string word;  // value or merge
    std::string value;

    bool operator==(const Entry& other) const = default;
  };

  explicit DocumentExamples(const std::string& path) : path_(path) {
    std::ifstream file(path);
    if (!file) Fail("cannot be read");
    std::string* body = nullptr;
    bool in_block = false;
    for (std::string line; std::getline(file, line);) {
      if (line.substr(0, 3) != "```") {
        if (body != nullptr) *body += line.substr(0, line.find('#')) + "\n";
        continue;
      }
      body = nullptr;
      in_block = !in_block;
      const std::vector<std::string> info = Words(line.substr(3));
      if (!in_block && !info.empty()) Fail("a block begins within another: " + line);
      if (info.size() < 2) continue;
      const auto [block, is_new] = blocks_.try_emplace({info[0], info[1]});
      if (!is_new) Fail("a second example " + info[1]);
      body = &block->second;
    }
    if (in_block) Fail("its last block has no end");
  }

  // All examples, each as "KIND NAME".
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& [name, body] : blocks_) names.insert(name.first + " " + name.second);
    return names;
  }
  // The bytes of a hex block.
  std::string Bytes(const std::string& name) const {
    const std::vector<Entry> entries = Parse(name);
    if (entries.size() != 1 || !entries[0].word.empty()) Fail(name + " has keys and values");
    return entries[0].value;
  }
  // The keys and values of a hex block, in its order.
  std::vector<Entry> Entries(const std::string& name) const {
    std::vector<Entry> entries = Parse(name);
    if (!entries[0].value.empty()) Fail(name + " has bytes before the first key");
    entries.erase(entries.begin());
    for (const Entry& entry : entries) {
      if (entry.word.empty() || entry.key.empty()) Fail(name + " has a key without a value");
    }
    return entries;
  }
  // A block of another kind, without its remarks.
  const std::string& Text(const std::string& kind, const std::string& name) const {
    const auto block = blocks_.find({kind, name});
    if (block == blocks_.end()) Fail("there is no example " + kind + " " + name);
    return block->second;
  }
  // The same, as words line by line, without empty lines.
  std::vector<std::vector<std::string>> Table(const std::string& kind,
                                              const std::string& name) const {
    std::vector<std::vector<std::string>> table;
    std::istringstream lines(Text(kind, name));
    for (std::string line; std::getline(lines, line);) {
      std::vector<std::string> words = Words(line);
      if (!words.empty()) table.push_back(std::move(words));
    }
    return table;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw std::runtime_error(path_ + ": " + what);
  }

  static std::vector<std::string> Words(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
  }

  // First what stands before any key, then each key with its value.
  std::vector<Entry> Parse(const std::string& name) const {
    std::vector<Entry> entries(1);
    std::string* bytes = &entries[0].value;
    std::istringstream words(Text("hex", name));
    for (std::string word; words >> word;) {
      if (word == "key") {
        bytes = &entries.emplace_back().key;
      } else if (word == "value" || word == "merge") {
        if (bytes != &entries.back().key) Fail(name + " has a value without a key");
        entries.back().word = word;
        bytes = &entries.back().value;
      } else if (word[0] == '{') {
        while (word.back() != '}') {
          std::string more;
          if (!(words >> more)) Fail(name + " has a { without a }");
          word += " " + more;
        }
        *bytes += Part(word.substr(1, word.size() - 2));
      } else {
        bytes->push_back(Byte(name, word));
      }
    }
    return entries;
  }

  std::string Part(const std::string& reference) const {
    const std::vector<std::string> words = Words(reference);
    if (words.size() != 1 && words.size() != 3) Fail("{" + reference + "} is no reference");
    const std::string all = Bytes(words[0]);
    if (words.size() == 1) return all;
    const size_t from = std::stoul(words[1]);
    const size_t to = std::stoul(words[2]);
    if (from > to || to > all.size()) Fail("{" + reference + "} is beyond the end");
    return all.substr(from, to - from);
  }

  char Byte(const std::string& name, const std::string& word) const {
    if (word.size() != 2 || word.find_first_not_of("0123456789abcdef") != std::string::npos) {
      Fail(name + " has \"" + word + "\" in the place of a byte");
    }
    return static_cast<char>(std::stoi(word, nullptr, 16));
  }

  const std::string path_;
  std::map<std::pair<std::string, std::string>, std::string> blocks_;  // by kind and name
};

// For the output of a test.
inline std::string HexText(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
  }
  return text;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_DOCUMENT_EXAMPLES_H_
