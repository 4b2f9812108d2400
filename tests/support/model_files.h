// Files of a QueueModel by number, each queue being one directory.
#ifndef FLEETQSHAPE_TESTS_SUPPORT_MODEL_FILES_H_
#define FLEETQSHAPE_TESTS_SUPPORT_MODEL_FILES_H_

#include <cstdint>
#include <string>

#include "agent/watch/queue_model.h"
#include "common/postfix/queue_file.h"
#include "common/shape/queue.h"

namespace fleetqshape::test {

inline Place PlaceIn(Queue queue) { return {queue, static_cast<DirectoryId>(queue)}; }

inline std::string FileName(uint64_t number) { return std::to_string(1'000'000 + number); }

// The file is in that queue now and nowhere else. A message, unless `envelope` is null.
inline void PutFile(uint64_t number, Queue queue, const postfix::Envelope* envelope,
                    QueueModel* model, FileVersion version = 1) {
  const std::string name = FileName(number);
  const Place place = PlaceIn(queue);
  for (const Place& other : model->OtherPlacesOf(name, place.directory)) {
    model->Move(other, name, place, name);
  }
  FileState state;
  state.kind = envelope == nullptr ? FileKind::kForeign : FileKind::kMessage;
  state.version = version;
  model->Put(place, name, state, envelope);
}

// True if the model knows the file in this version.
inline bool SeeFile(uint64_t number, Queue queue, FileVersion version, QueueModel* model) {
  return model->See(PlaceIn(queue), FileName(number), version) == QueueModel::Sight::kSame;
}

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_SUPPORT_MODEL_FILES_H_
