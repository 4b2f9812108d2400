#include "simulator/traffic/expected_tables.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/shape/table_text.h"

namespace fleetqshape {
namespace {

absl::Status WriteFile(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
}

size_t TableIndex(Queue queue, Axis axis) {
  return (static_cast<size_t>(queue) - 1) * kAllAxes.size() + static_cast<size_t>(axis) - 1;
}

}  // namespace

ExpectedTables::ExpectedTables(const Domains* domains, int64_t at_seconds)
    : domains_(*domains),
      at_seconds_(at_seconds),
      buckets_(BucketOptions()),
      tables_(kAllQueues.size() * kAllAxes.size(), ShapeTable(buckets_.columns())) {}

ShapeTable& ExpectedTables::TableOf(Queue queue, Axis axis) {
  return tables_[TableIndex(queue, axis)];
}

void ExpectedTables::Add(const SimulatedQueue& queue) {
  std::string scratch;
  for (uint32_t index = 0; index < queue.end(); ++index) {
    const SimulatedQueue::Message& message = queue.At(index);
    if (!message.is_there) continue;
    const auto age = static_cast<double>(at_seconds_ - int64_t{message.arrival});
    const size_t bucket = buckets_.BucketOf(age);
    const auto add = [&](Axis axis, uint32_t name_id) {
      ShapeTable& table = TableOf(message.queue, axis);
      table.AddTotal(bucket);
      table.Add(domains_.Name(queue.DomainOf(name_id), &scratch), bucket);
    };
    add(Axis::kSenderDomain, message.sender);
    for (size_t i = 0; i < message.domains.size(); ++i) {
      for (int n = 0; n < message.recipients[i]; ++n) {
        add(Axis::kRecipientDomain, message.domains[i]);
      }
    }
  }
}

absl::Status ExpectedTables::Write(const std::string& directory) const {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  }
  const std::filesystem::path path(directory);
  FQS_RETURN_IF_ERROR(WriteFile(path / "at", absl::StrCat(at_seconds_, "\n")));
  for (const Queue queue : kAllQueues) {
    for (const Axis axis : kAllAxes) {
      const char* kind = axis == Axis::kSenderDomain ? ".senders" : ".recipients";
      const Table table = tables_[TableIndex(queue, axis)].Finish(RowOptions());
      FQS_RETURN_IF_ERROR(WriteFile(path / absl::StrCat(std::string(QueueName(queue)), kind),
                                    TableText(table, TextOptions())));
    }
  }
  return absl::OkStatus();
}

}  // namespace fleetqshape
