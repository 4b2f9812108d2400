// A column of arrivals, in seconds since the Unix epoch, in 4 bytes each where that is possible.
#ifndef FLEETQSHAPE_COMMON_SHAPE_ARRIVAL_COLUMN_H_
#define FLEETQSHAPE_COMMON_SHAPE_ARRIVAL_COLUMN_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/types/span.h"

namespace fleetqshape {

// Exact for any int64_t: a queue file may claim any arrival. Narrow, that is of uint32_t, exactly
// if all values lie in [0, 2^32), which ends in 2106: so that an odd one costs its own column
// memory, and only while it is there. As safe in several threads as a std::vector. One that was
// moved from can only be assigned to.
class ArrivalColumn {
 public:
  ArrivalColumn() = default;
  ArrivalColumn(std::initializer_list<int64_t> values)
      : ArrivalColumn(std::vector<int64_t>(values)) {}
  explicit ArrivalColumn(std::vector<uint32_t> values) : values_(std::move(values)) {}
  explicit ArrivalColumn(std::vector<int64_t> values);

  // Whether a narrow column can hold it.
  static constexpr bool Fits(int64_t value) {
    return value >= 0 && value <= int64_t{std::numeric_limits<uint32_t>::max()};
  }

  size_t size() const {
    return narrow() ? narrow_vector().size() : std::get_if<Wide>(&values_)->size();
  }
  bool empty() const { return size() == 0; }
  int64_t operator[](size_t index) const {
    return narrow() ? narrow_vector()[index] : (*std::get_if<Wide>(&values_))[index];
  }
  bool operator==(const ArrivalColumn& other) const = default;

  bool narrow() const { return std::holds_alternative<Narrow>(values_); }
  // Only of a narrow column. Valid until it changes.
  absl::Span<const uint32_t> narrow_values() const { return *std::get_if<Narrow>(&values_); }
  // Only of a wide column. Valid until it changes.
  absl::Span<const int64_t> wide_values() const { return *std::get_if<Wide>(&values_); }
  // What `use` returns for the one of the two that there is. For loops that should not ask for the
  // width at each value.
  template <typename Use>
  decltype(auto) Visit(Use&& use) const {
    return narrow() ? use(narrow_values()) : use(wide_values());
  }

  void push_back(int64_t value) {
    if (Narrow* column = std::get_if<Narrow>(&values_); column != nullptr && Fits(value)) {
      column->push_back(static_cast<uint32_t>(value));
    } else {
      PushBackWide(value);
    }
  }
  void reserve(size_t count);

  // The memory that it holds, with what is spare.
  size_t bytes() const;

 private:
  using Narrow = std::vector<uint32_t>;
  using Wide = std::vector<int64_t>;

  const Narrow& narrow_vector() const { return *std::get_if<Narrow>(&values_); }
  // Widens the column if it is narrow.
  void PushBackWide(int64_t value);

  std::variant<Narrow, Wide> values_;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_ARRIVAL_COLUMN_H_
