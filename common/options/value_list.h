// The values of an option that takes several, which may stand in one word: a,b.
#ifndef FLEETQSHAPE_COMMON_OPTIONS_VALUE_LIST_H_
#define FLEETQSHAPE_COMMON_OPTIONS_VALUE_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace fleetqshape {

// (Where CLI11 splits them, an empty value makes it take the next word of the command line.)
//
// Puts the values in place of the words that hold them. INVALID_ARGUMENT for a word with an empty
// value among others ("a,"), as an empty variable of a script leaves it: the rest would be another
// question than was meant. A word that is empty as a whole stays, for `option` to judge.
absl::Status SplitValues(std::string_view option, std::vector<std::string>* words);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_OPTIONS_VALUE_LIST_H_
