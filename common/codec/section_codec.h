// Between blocks in memory and Section messages on the wire and on disk.
#ifndef FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_
#define FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_

#include "absl/status/statusor.h"
#include "common/shape/block.h"
#include "common/shape/queue.h"
#include "fleetqshape/v1/shape.pb.h"

namespace fleetqshape {

v1::Section EncodeSection(Queue queue, Axis axis, const BlockDelta& delta);
// A state: everything is gained.
v1::Section EncodeSection(Queue queue, Axis axis, const Block& block);

// INVALID_ARGUMENT if the columns don't fit each other, ids don't rise, a name neither gains nor
// loses, numbers overflow, or the queue or axis is none that is known. What comes back satisfies
// all that Block promises.
absl::StatusOr<BlockDelta> DecodeSection(const v1::Section& section);
// A state: INVALID_ARGUMENT also if something is lost.
absl::StatusOr<Block> DecodeState(const v1::Section& section);

// The queue and the axis of a section. INVALID_ARGUMENT if it is none that is known.
absl::StatusOr<Queue> SectionQueue(const v1::Section& section);
absl::StatusOr<Axis> SectionAxis(const v1::Section& section);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_CODEC_SECTION_CODEC_H_
