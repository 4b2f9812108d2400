#include "common/shape/block.h"

#include <cstdint>
#include <utility>

namespace fleetqshape {

void BlockBuilder::StartName(uint32_t name_id) {
  EndName();
  block_.name_ids.push_back(name_id);
  in_name_ = true;
}

void BlockBuilder::EndName() {
  if (!in_name_) return;
  in_name_ = false;
  if (block_.arrivals.size() == block_.offsets.back()) {
    block_.name_ids.pop_back();
    return;
  }
  block_.offsets.push_back(static_cast<uint32_t>(block_.arrivals.size()));
}

Block BlockBuilder::Finish() {
  EndName();
  return std::exchange(block_, Block());
}

}  // namespace fleetqshape
