#include "aggregator/rpc/table_stream.h"

#include <utility>

#include "aggregator/rpc/answer_messages.h"
#include "aggregator/rpc/question_parser.h"
#include "common/base/status_macros.h"

namespace fleetqshape {

absl::Status TableStream::Prepare(const std::atomic<bool>& cancelled) {
  FQS_ASSIGN_OR_RETURN(const TableQuestion question, ParseQuestion(request_));
  FQS_ASSIGN_OR_RETURN(answer_, engine_.GetTable(question, &cancelled));
  return absl::OkStatus();
}

bool TableStream::FillNext(v1::TableResponse* response) {
  if (head_sent_ && next_row_ == answer_.names.size()) return false;
  if (!head_sent_) *response->mutable_head() = MakeHead(answer_);
  head_sent_ = true;
  const size_t groups = answer_.groups.size();
  const size_t width = groups * answer_.columns;
  const auto add_ages = [&](const std::vector<int64_t>& ages, auto* filled) {
    if (ages.empty()) return;
    const int64_t* const first = ages.data() + next_row_ * groups;
    filled->Add(first, first + groups);
  };
  size_t bytes = 0;
  for (; next_row_ < answer_.names.size() && bytes < kResponseBytes; ++next_row_) {
    bytes += answer_.names[next_row_].size() + width;
    response->add_names(std::move(answer_.names[next_row_]));
    const uint64_t* row = answer_.row(next_row_);
    response->mutable_counts()->Add(row, row + width);
    add_ages(answer_.median_ages, response->mutable_median_ages());
    add_ages(answer_.oldest_ages, response->mutable_oldest_ages());
  }
  return true;
}

}  // namespace fleetqshape
