// Between blocks in memory and the bytes of Section messages (shape.proto), on the wire and on
// disk.
#ifndef FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_
#define FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"

namespace fleetqshape {

// The bytes of a Section, as protobuf serializes it.
std::string EncodeSection(Queue queue, Axis axis, const BlockDelta& delta);
// A state: everything is gained.
std::string EncodeSection(Queue queue, Axis axis, const Block& block);

struct DecodedSection {
  Queue queue;
  Axis axis;
  BlockDelta delta;
  // The bytes say this and no more. If not, as when they have fields that this version does not
  // know, EncodeSection makes some that do.
  bool plain = true;
};

// INVALID_ARGUMENT if the bytes are no Section, its columns don't fit each other, ids don't rise, a
// name neither gains nor loses, numbers overflow, or the queue or axis is none that is known. What
// comes back satisfies all that Block promises.
absl::StatusOr<DecodedSection> DecodeSection(std::string_view bytes);

// The queue and the axis that have this number in shape.proto. INVALID_ARGUMENT if none has.
absl::StatusOr<Queue> QueueOfNumber(int number);
absl::StatusOr<Axis> AxisOfNumber(int number);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_
