// Finds the word that somebody meant who mistyped it.
#ifndef FLEETQSHAPE_COMMON_BASE_NEAREST_WORD_H_
#define FLEETQSHAPE_COMMON_BASE_NEAREST_WORD_H_

#include <string>
#include <string_view>
#include <vector>

namespace fleetqshape {

// The one of `words` that takes the fewest insertions, deletions, replacements and exchanges of
// neighbouring bytes, the first one of several; the case of ASCII letters costs nothing. Else the
// only one that starts with `typed`. Empty if none is near: more than one change in three bytes, or
// one of digits only.
std::string NearestWord(std::string_view typed, const std::vector<std::string>& words);

// ": did you mean WORD?", or nothing.
std::string DidYouMean(std::string_view typed, const std::vector<std::string>& words);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_BASE_NEAREST_WORD_H_
