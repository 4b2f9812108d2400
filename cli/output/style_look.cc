#include "cli/output/style_look.h"

namespace fleetqshape {

StyleLook LookOf(Style style) {
  switch (style) {
    case Style::kPlain:
    case Style::kHeat1:
      return {};
    case Style::kHead:
      return {.bold = true};
    case Style::kDim:
      return {.foreground = 244};
    case Style::kHeat2:
      return {.foreground = 136};
    case Style::kHeat3:
    case Style::kWarning:
      return {.foreground = 166};
    case Style::kHeat4:
      return {.foreground = 16, .background = 215};
    case Style::kHeat5:
      return {.bold = true, .foreground = 231, .background = 160};
    case Style::kGood:
      return {.foreground = 34};
    case Style::kBad:
      return {.bold = true, .foreground = 160};
  }
  return {};
}

}  // namespace fleetqshape
