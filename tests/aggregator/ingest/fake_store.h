// A store that can be told to fail or to take its time, which a disk does not do on demand; and
// outcomes to wait for.
#ifndef FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FAKE_STORE_H_
#define FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FAKE_STORE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "aggregator/ingest/ingest_engine.h"
#include "aggregator/store/store.h"

namespace fleetqshape::test {

// Beyond this a test hangs.
inline constexpr std::chrono::seconds kPatience(60);

// Remembers in memory what it was given, and forgets what a section holds.
class FakeStore final : public Store {
 public:
  absl::Status Apply(const std::vector<RelayWrite>& writes) override {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (failure_.ok() && !results_.empty()) {
      failure_ = results_.front();
      results_.pop_front();
    }
    if (failure_.ok()) {
      batches_.push_back(writes);
      for (const RelayWrite& write : writes) {
        if (write.forget) {
          records_.erase(write.relay);
        } else {
          records_[write.relay] = write.record;
        }
      }
    }
    ++ended_;
    return failure_;
  }

  absl::Status Recover() override {
    const std::lock_guard lock(mutex_);
    failure_ = absl::OkStatus();
    return failure_;
  }

  absl::Status Load(Wanted wanted, Visit visit) override {
    if (!load_result_.ok()) return load_result_;
    for (const auto& [relay, record] : records()) {
      if (wanted(relay, record)) visit({relay, record, {}, {}}, absl::DataLossError("a fake"));
    }
    return absl::OkStatus();
  }

  // Lets Apply wait until Open.
  void Close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // The result of a later Apply; without one it succeeds. After an error all fail until Recover.
  void AddResult(absl::Status result) {
    const std::lock_guard lock(mutex_);
    results_.push_back(std::move(result));
  }
  void SetLoadResult(absl::Status result) { load_result_ = std::move(result); }

  // As if the last write of this relay's record had been lost.
  void ForgetHeard(RelayId relay) {
    const std::lock_guard lock(mutex_);
    records_.at(relay).clear_heard_milliseconds();
  }

  // Waits until Apply was called so often in all.
  void WaitUntilBegun(size_t times) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return begun_ >= times; }));
  }
  size_t begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  size_t ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  std::map<RelayId, v1::StoredRelay> records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  // What was written, batch by batch.
  std::vector<std::vector<RelayWrite>> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  absl::Status load_result_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  size_t begun_ = 0;
  size_t ended_ = 0;
  std::deque<absl::Status> results_;
  absl::Status failure_;  // of an Apply, until Recover
  std::map<RelayId, v1::StoredRelay> records_;
  std::vector<std::vector<RelayWrite>> batches_;
};

// The outcome of one report, to be waited for. May go before the outcome comes.
class PendingOutcome {
 public:
  IngestEngine::OnOutcome Callback(std::function<void()> also = nullptr) {
    return [box = box_, also = std::move(also)](IngestEngine::Outcome outcome) {
      if (also) also();
      const std::lock_guard lock(box->mutex);
      EXPECT_FALSE(box->outcome) << "an outcome comes once";
      box->outcome = std::move(outcome);
      box->came.notify_all();
    };
  }
  bool HasCome() const {
    const std::lock_guard lock(box_->mutex);
    return box_->outcome.has_value();
  }
  IngestEngine::Outcome Wait() const {
    std::unique_lock lock(box_->mutex);
    if (!box_->came.wait_for(lock, kPatience, [this] { return box_->outcome.has_value(); })) {
      ADD_FAILURE() << "no outcome came";
      return absl::DeadlineExceededError("no outcome came");
    }
    return *box_->outcome;
  }

 private:
  struct Box {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<IngestEngine::Outcome> outcome;
  };
  std::shared_ptr<Box> box_ = std::make_shared<Box>();
};

}  // namespace fleetqshape::test

#endif  // FLEETQSHAPE_TESTS_AGGREGATOR_INGEST_FAKE_STORE_H_
