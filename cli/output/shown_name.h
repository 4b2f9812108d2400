// Names of rows as people see them.
#ifndef FLEETQSHAPE_CLI_OUTPUT_SHOWN_NAME_H_
#define FLEETQSHAPE_CLI_OUTPUT_SHOWN_NAME_H_

#include <string>
#include <string_view>

namespace fleetqshape {

// `name` as PrintableName has it; with `unicode` an internationalized domain name (xn--...) in the
// characters that it stands for, where that is the one name they can stand for: IDNA2008 allows
// each label and makes the same ASCII form of it again (libidn2), no label mixes scripts that are
// not written together, and nothing is escaped. Else it stays as it is.
std::string ShownName(std::string_view name, bool unicode);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_SHOWN_NAME_H_
