// Columns of varints (protobuf's encoding of numbers), several bytes at a time.
#ifndef FLEETQSHAPE_COMMON_CODEC_VARINT_H_
#define FLEETQSHAPE_COMMON_CODEC_VARINT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fleetqshape {

static_assert(std::endian::native == std::endian::little,
              "a varint's low byte has to be a word's low byte");

// What the longest varint takes; one of 32 bits takes up to 5.
inline constexpr size_t kMaxVarintBytes = 10;
inline constexpr size_t kMaxVarint32Bytes = 5;

// Writes a varint and returns where it ends. Up to kMaxVarintBytes from `out` on may be written,
// whatever the number takes.
inline char* WriteVarint(uint64_t value, char* out) {
  if (value < 0x80) {
    *out = static_cast<char>(value);
    return out + 1;
  }
  if (value >= uint64_t{1} << 56) {
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
    *out = static_cast<char>(value);
    return out + 1;
  }
  // Groups of 7 bits are spread over the bytes of a word, by halves: numbers of all lengths go the
  // same way, since what comes next is anyone's guess.
  uint64_t word = (value & 0x0fffffff) | (value & 0x00fffffff0000000) << 4;
  word = (word & 0x00003fff00003fff) | (word & 0x0fffc0000fffc000) << 2;
  word = (word & 0x007f007f007f007f) | (word & 0x3f803f803f803f80) << 1;
  const auto bytes = static_cast<unsigned>(std::bit_width(value) + 6) / 7;
  word |= 0x8080808080808080 & ~(~uint64_t{0} << (8 * (bytes - 1)));
  std::memcpy(out, &word, sizeof word);
  return out + bytes;
}

// Reads a varint that begins at `*next`, and moves that behind it. False if it does not end before
// `end`, or takes more than kMaxVarintBytes. Bits beyond 64 are left out, as protobuf does.
inline bool ReadVarint(const char** next, const char* end, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 7 * kMaxVarintBytes && *next != end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*(*next)++);
    *value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// A column of varints within longer bytes, read from its begin to its end.
class VarintColumn {
 public:
  VarintColumn() = default;
  // `column` is a part of what ends at `bytes_end`, which may be read, too.
  VarintColumn(std::string_view column, const char* bytes_end)
      : next_(column.data()), end_(column.data() + column.size()), bytes_end_(bytes_end) {}

  // How many there are from here on. Whether all of them end, Next says.
  size_t Count() const {
    size_t count = 0;
    for (const char* at = next_; at != end_; ++at) count += static_cast<signed char>(*at) >= 0;
    return count;
  }
  bool AtEnd() const { return next_ == end_; }

  // For numbers of which nearly all take a byte. False as ReadVarint.
  bool NextSmall(uint64_t* value) {
    if (next_ != end_ && static_cast<signed char>(*next_) >= 0) {
      *value = static_cast<unsigned char>(*next_++);
      return true;
    }
    return Next(value);
  }
  // For numbers of all lengths.
  bool Next(uint64_t* value) {
    if (bytes_end_ - next_ >= static_cast<ptrdiff_t>(sizeof(uint64_t))) {
      uint64_t word = 0;
      std::memcpy(&word, next_, sizeof word);
      const uint64_t ends = ~word & 0x8080808080808080;
      const auto bytes = static_cast<ptrdiff_t>(std::countr_zero(ends)) / 8 + 1;
      if (ends != 0 && bytes <= end_ - next_) {
        // All bytes up to the first that ends a number; then groups of 7 bits move together, by
        // halves, as they were spread.
        word &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
        word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
        word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
        *value = (word & 0x0fffffff) | (word & 0x0fffffff00000000) >> 4;
        next_ += bytes;
        return true;
      }
    }
    return ReadVarint(&next_, end_, value);
  }

 private:
  const char* next_ = nullptr;
  const char* end_ = nullptr;
  const char* bytes_end_ = nullptr;
};

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_CODEC_VARINT_H_
