#include "common/shape/arrival_column.h"

#include <algorithm>

namespace fleetqshape {

ArrivalColumn::ArrivalColumn(std::vector<int64_t> values) {
  if (std::all_of(values.begin(), values.end(), Fits)) {
    values_ = Narrow(values.begin(), values.end());
  } else {
    values_ = std::move(values);
  }
}

void ArrivalColumn::reserve(size_t count) {
  std::visit([count](auto& values) { values.reserve(count); }, values_);
}

void ArrivalColumn::PushBackWide(int64_t value) {
  if (const Narrow* const narrow = std::get_if<Narrow>(&values_)) {
    Wide wide;
    wide.reserve(std::max(narrow->capacity(), narrow->size() + 1));
    wide.assign(narrow->begin(), narrow->end());
    values_ = std::move(wide);
  }
  std::get_if<Wide>(&values_)->push_back(value);
}

size_t ArrivalColumn::bytes() const {
  return std::visit([](const auto& values) { return values.capacity() * sizeof(values[0]); },
                    values_);
}

}  // namespace fleetqshape
