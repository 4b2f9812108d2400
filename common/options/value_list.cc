#include "common/options/value_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace fleetqshape {

absl::Status SplitValues(std::string_view option, std::vector<std::string>* words) {
  std::vector<std::string> values;
  for (const std::string& word : *words) {
    const std::vector<std::string> parts = absl::StrSplit(word, ',');
    if (parts.size() > 1 && std::find(parts.begin(), parts.end(), "") != parts.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(option), " ", word, ": there is nothing ",
                       word.starts_with(',') ? "before the first comma"
                       : word.ends_with(',') ? "after the last comma"
                                             : "between two commas"));
    }
    values.insert(values.end(), parts.begin(), parts.end());
  }
  *words = std::move(values);
  return absl::OkStatus();
}

}  // namespace fleetqshape
