// Writes columns of blocks, for ApplyDelta and CombineDeltas only.
//
// What they copy are thousands of ranges, most of them short, of lengths that nobody foresees. So
// they copy groups of a fixed size, which takes a few instructions and no branch, into a buffer
// that has room behind what counts, and go on from where the range ends.
#ifndef FLEETQSHAPE_COMMON_SHAPE_COLUMN_WRITER_H_
#define FLEETQSHAPE_COMMON_SHAPE_COLUMN_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fleetqshape {

inline constexpr size_t kGroup = 16;

template <typename Number>
void CopyGroup(const Number* from, Number* to) {
  std::memcpy(to, from, kGroup * sizeof(Number));
}

// Copies a group, and returns how many numbers in front are less than `value`.
template <typename Number>
size_t CopyGroup(const Number* from, Number* to, Number value) {
  CopyGroup(from, to);
  size_t less = 0;
  while (less < kGroup && from[less] < value) ++less;
  return less;
}

#ifdef __SSE2__
template <>
inline size_t CopyGroup(const uint32_t* from, uint32_t* to, uint32_t value) {
  // Only signed numbers can be compared.
  const __m128i bias = _mm_set1_epi32(INT32_MIN);
  const __m128i wanted = _mm_xor_si128(_mm_set1_epi32(static_cast<int32_t>(value)), bias);
  const auto copy_four = [&](size_t i) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), four);
    return _mm_cmplt_epi32(_mm_xor_si128(four, bias), wanted);
  };
  const __m128i low = _mm_packs_epi32(copy_four(0), copy_four(4));
  const __m128i high = _mm_packs_epi32(copy_four(8), copy_four(12));
  const int less = _mm_movemask_epi8(_mm_packs_epi16(low, high));  // 16 bits
  return static_cast<size_t>(__builtin_ctz(~static_cast<unsigned>(less)));
}
#endif

// Copies a group and adds `summand` to its numbers, modulo 2^32.
inline void CopyGroupPlus(const uint32_t* from, uint32_t* to, uint32_t summand) {
  typedef uint32_t Lanes __attribute__((vector_size(kGroup * sizeof(uint32_t))));
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  lanes += summand;
  std::memcpy(to, &lanes, sizeof(lanes));
}

// A column that grows at its end, through a buffer that lies in the nearest cache. Who writes knows
// how many numbers stand in the buffer: it is a register's work.
template <typename Number>
class ColumnWriter {
 public:
  // So many numbers may stand in the buffer; as many may be written behind them, of which only some
  // count.
  static constexpr size_t kFull = 512;

  // `most` is how many the column will have at most.
  explicit ColumnWriter(size_t most) { column_.reserve(most); }
  ColumnWriter(const ColumnWriter&) = delete;
  ColumnWriter& operator=(const ColumnWriter&) = delete;

  Number* buffer() { return buffer_.data(); }
  // Appends the first `count` of the buffer.
  void Flush(size_t count) { Append(buffer_.data(), count); }
  void Append(const Number* from, size_t count) {
    column_.insert(column_.end(), from, from + count);
  }
  std::vector<Number> Finish() { return std::move(column_); }

 private:
  std::vector<Number> column_;
  std::array<Number, 2 * kFull> buffer_;  // never set as a whole
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_SHAPE_COLUMN_WRITER_H_
