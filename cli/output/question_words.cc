#include "cli/output/question_words.h"

#include <limits>
#include <string_view>

#include "common/shape/queue.h"

namespace fleetqshape {

std::string QueueWord(v1::Queue queue) { return std::string(QueueName(static_cast<Queue>(queue))); }

const char* OrderWord(v1::RowOrder order) {
  switch (order) {
    case v1::ROW_ORDER_NAME:
      return "name";
    case v1::ROW_ORDER_SHARE_DIFFERENCE:
      return "share";
    case v1::ROW_ORDER_GROUP:
      return "group";
    case v1::ROW_ORDER_SHARE_RATIO:
      return "ratio";
    default:
      return "total";
  }
}

bool IsSenderAxis(const v1::TableRequest& asked) { return asked.axis() == v1::AXIS_SENDER_DOMAIN; }

std::vector<double> BucketLimits(const v1::TableRequest& asked, size_t columns) {
  std::vector<double> limits;
  const double first = 60 * asked.bucket_minutes();
  double limit = first;
  for (size_t column = 1; column + 1 < columns; ++column) {
    limits.push_back(limit);
    limit += asked.linear() ? first : limit;
  }
  if (columns > 1) limits.push_back(std::numeric_limits<double>::infinity());
  return limits;
}

}  // namespace fleetqshape
