#include "aggregator/rpc/table_stream.h"

#include <utility>

#include "aggregator/rpc/answer_messages.h"
#include "aggregator/rpc/question_parser.h"
#include "common/base/status_macros.h"

namespace fleetqshape {

absl::Status TableStream::Prepare(const std::atomic<bool>& /*cancelled*/) {
  FQS_ASSIGN_OR_RETURN(const TableQuestion question, ParseQuestion(request_));
  FQS_ASSIGN_OR_RETURN(answer_, engine_.GetTable(question));
  return absl::OkStatus();
}

bool TableStream::FillNext(v1::TableResponse* response) {
  Table& table = answer_.table;
  if (head_sent_ && next_row_ == table.names.size()) return false;
  if (!head_sent_) *response->mutable_head() = MakeHead(answer_);
  head_sent_ = true;
  size_t bytes = 0;
  for (; next_row_ < table.names.size() && bytes < kResponseBytes; ++next_row_) {
    bytes += table.names[next_row_].size() + table.columns;
    response->add_names(std::move(table.names[next_row_]));
    const uint64_t* row = table.row(next_row_);
    response->mutable_counts()->Add(row, row + table.columns);
  }
  return true;
}

}  // namespace fleetqshape
