#include "tests/agent/watch/queue_churn.h"

#include <cstdio>
#include <filesystem>
#include <iterator>

namespace fleetqshape::test {
namespace {

// How many messages there are in the long run.
constexpr size_t kMostMessages = 300;

QueueMessage MessageOf(int64_t arrival, const std::vector<std::string>& recipients) {
  QueueMessage message;
  message.time = std::to_string(arrival) + " 0";
  message.sender = "s@sender.example";
  message.recipients = recipients;
  message.content_bytes = 100;
  return message;
}

}  // namespace

std::string QueueChurn::PathOf(const std::string& id, Queue queue) {
  std::string path(QueueName(queue));
  if (queue == Queue::kDeferred) {
    for (int level = 0; level < hash_depth_; ++level) {
      path += "/" + id.substr(static_cast<size_t>(level) + 3, 1);
      if (!std::filesystem::exists(directory_.path(path))) directory_.MakeDirectory(path);
    }
  }
  return path + "/" + id;
}

void QueueChurn::Arrive() {
  char id[16];
  std::snprintf(id, sizeof id, "%06lX", static_cast<unsigned long>(next_id_++ * 7919 % 0xFFFFFF));
  if (messages_.contains(id)) return;
  Message message{random_.OneIn(5) ? Queue::kMaildrop : Queue::kIncoming,
                  "",
                  false,
                  random_.Between(1, 1000),
                  {}};
  for (int64_t left = random_.OneIn(3) ? random_.Between(2, 5) : 1; left > 0; --left) {
    message.recipients.push_back(std::to_string(left) + "@" +
                                 std::to_string(random_.Between(1, 50)) + ".example");
  }
  message.file = PathOf(id, message.queue);
  const std::string temporary =
      std::string(QueueName(message.queue)) + "/" + id + "." + std::to_string(next_id_);
  directory_.Write(temporary, MessageOf(message.arrival, message.recipients), 0600);
  directory_.Move(temporary, message.file);
  messages_[id] = message;
}

void QueueChurn::MoveTo(const std::string& id, Message* message, Queue queue) {
  const std::string file = PathOf(id, queue);
  if (file != message->file) directory_.Move(message->file, file);
  message->queue = queue;
  message->file = file;
}

void QueueChurn::Deliver(Messages::iterator entry) {
  auto& [id, message] = *entry;
  if (message.queue != Queue::kActive) {
    MoveTo(id, &message, Queue::kActive);
    return;
  }
  if (random_.OneIn(2)) {
    directory_.MarkDelivered(message.file, message.recipients.back());
    message.recipients.pop_back();
  } else if (random_.OneIn(2)) {
    message.recipients.clear();
  }
  if (message.recipients.empty()) {
    directory_.Remove(message.file);
    messages_.erase(entry);
  } else {
    MoveTo(id, &message, Queue::kDeferred);
  }
}

void QueueChurn::Step() {
  const int64_t what = random_.Between(1, 100);
  if (messages_.empty() || (what <= 30 && messages_.size() < kMostMessages)) {
    Arrive();
    return;
  }
  const auto entry =
      std::next(messages_.begin(), random_.Between(0, static_cast<int64_t>(messages_.size()) - 1));
  auto& [id, message] = *entry;
  if (!message.ready) {
    directory_.SetMode(message.file, 0700);
    message.ready = true;
  } else if (what <= 85) {
    Deliver(entry);
  } else if (what <= 90) {
    MoveTo(id, &message, message.queue == Queue::kHold ? Queue::kDeferred : Queue::kHold);
  } else if (what <= 93) {
    MoveTo(id, &message, Queue::kMaildrop);  // requeued
  } else if (what <= 96) {
    directory_.SetMode(message.file, random_.OneIn(2) ? 0710 : 0700);  // force-expire
  } else {
    directory_.Remove(message.file);
    messages_.erase(entry);
  }
}

void QueueChurn::FlushDeferred() {
  for (auto& [id, message] : messages_) {
    if (message.queue == Queue::kDeferred) MoveTo(id, &message, Queue::kActive);
  }
}

void QueueChurn::Restart() {
  for (auto& [id, message] : messages_) {
    if (message.queue == Queue::kActive) MoveTo(id, &message, Queue::kIncoming);
  }
}

void QueueChurn::SetHashDepth(int depth) {
  hash_depth_ = depth;
  for (auto& [id, message] : messages_) {
    if (message.queue == Queue::kDeferred) MoveTo(id, &message, Queue::kDeferred);
  }
}

NamedCells QueueChurn::Expected() const {
  NamedCells cells;
  for (const auto& [id, message] : messages_) {
    if (!message.ready) continue;
    cells.insert({message.queue, Axis::kSenderDomain, "sender.example", message.arrival});
    for (const std::string& recipient : message.recipients) {
      cells.insert({message.queue, Axis::kRecipientDomain,
                    recipient.substr(recipient.find('@') + 1), message.arrival});
    }
  }
  return cells;
}

}  // namespace fleetqshape::test
