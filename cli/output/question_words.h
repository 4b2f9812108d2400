// What was asked, in the words and figures of outputs for programs.
#ifndef FLEETQSHAPE_CLI_OUTPUT_QUESTION_WORDS_H_
#define FLEETQSHAPE_CLI_OUTPUT_QUESTION_WORDS_H_

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "fleetqshape/v1/query.pb.h"

namespace fleetqshape {

inline constexpr std::array<v1::Queue, 5> kQueues = {
    v1::QUEUE_MAILDROP, v1::QUEUE_HOLD, v1::QUEUE_INCOMING, v1::QUEUE_ACTIVE, v1::QUEUE_DEFERRED};

// maildrop, hold, ...
std::string QueueWord(v1::Queue queue);

// total, name, share, group, ratio.
const char* OrderWord(v1::RowOrder order);

bool IsSenderAxis(const v1::TableRequest& asked);

// What the ages in each of a table's buckets are below, in seconds; infinity for the last one.
// `columns`: of the table, the sum among them.
std::vector<double> BucketLimits(const v1::TableRequest& asked, size_t columns);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_CLI_OUTPUT_QUESTION_WORDS_H_
