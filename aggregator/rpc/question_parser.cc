#include "aggregator/rpc/question_parser.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/codec/section_codec.h"

namespace fleetqshape {
namespace {

// More conditions than anybody types.
constexpr int kMaxConditions = 1000;

absl::StatusOr<RowOrder> ParseOrder(v1::RowOrder order) {
  switch (order) {
    case v1::ROW_ORDER_UNSPECIFIED:
      return RowOrder::kTotal;
    case v1::ROW_ORDER_NAME:
      return RowOrder::kName;
    case v1::ROW_ORDER_SHARE_DIFFERENCE:
      return RowOrder::kShareDifference;
    case v1::ROW_ORDER_GROUP:
      return RowOrder::kGroup;
    case v1::ROW_ORDER_SHARE_RATIO:
      return RowOrder::kShareRatio;
    default:
      return absl::InvalidArgumentError("an order of rows that this aggregator does not know");
  }
}

}  // namespace

absl::StatusOr<Selection> ParseSelection(const v1::Selection& selection) {
  if (selection.clusters_size() > kMaxConditions || selection.hosts_size() > kMaxConditions ||
      selection.roles_size() > kMaxConditions || selection.matches_size() > kMaxConditions) {
    return absl::InvalidArgumentError("too many conditions");
  }
  Selection parsed;
  parsed.clusters = {selection.clusters().begin(), selection.clusters().end()};
  parsed.hosts = {selection.hosts().begin(), selection.hosts().end()};
  parsed.roles = {selection.roles().begin(), selection.roles().end()};
  for (const v1::Match& match : selection.matches()) {
    if (match.values_size() > kMaxConditions) return absl::InvalidArgumentError("too many values");
    parsed.matches.push_back(
        {match.key(), {match.values().begin(), match.values().end()}, match.negated()});
  }
  return parsed;
}

absl::StatusOr<TableQuestion> ParseQuestion(const v1::TableRequest& request) {
  TableQuestion question;
  FQS_ASSIGN_OR_RETURN(question.selection, ParseSelection(request.selection()));
  if (request.names_size() > kMaxConditions ||
      request.comparison().values_size() > kMaxConditions) {
    return absl::InvalidArgumentError("too many conditions");
  }
  FQS_ASSIGN_OR_RETURN(question.axis, AxisOfNumber(request.axis()));
  for (const int queue : request.queues()) {
    FQS_ASSIGN_OR_RETURN(const Queue known, QueueOfNumber(queue));
    question.queues.insert(known);
  }
  question.buckets = {request.bucket_count(), request.bucket_minutes(), request.linear()};
  question.rows = {request.parents(), request.min_subdomains()};
  if (request.at_seconds() != 0) question.at_seconds = request.at_seconds();
  question.rows_by = request.rows_by();
  question.names = {request.names().begin(), request.names().end()};
  if (request.has_min_age_seconds()) question.min_age_seconds = request.min_age_seconds();
  if (request.has_max_age_seconds()) question.max_age_seconds = request.max_age_seconds();
  if (request.has_comparison()) {
    question.comparison = {
        request.comparison().key(),
        {request.comparison().values().begin(), request.comparison().values().end()}};
  }
  FQS_ASSIGN_OR_RETURN(question.order, ParseOrder(request.order()));
  question.order_group = request.order_group();
  question.max_rows = request.max_rows();
  question.ages = request.ages();
  return question;
}

}  // namespace fleetqshape
