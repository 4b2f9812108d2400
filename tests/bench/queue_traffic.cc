// queue_traffic: does to a queue what Postfix does to it, at a given rate.
//
//   queue_traffic QUEUE_DIRECTORY MESSAGES_A_SECOND RETRIES_A_SECOND [SEED]
//
// Until SIGTERM, messages pass through the queue, as the file operations that smtpd, cleanup, qmgr
// and delivery agents make for them: a temporary file that gets its id for a name, the content some
// milliseconds later, fchmod; a rename to active; the type of each delivered recipient changed in
// place; unlink. A message in ten is deferred: its log in defer, utime, a rename to deferred, and
// back half a minute later. Beside them, messages that were in deferred at the start are tried
// again and fail.
//
// A message lives for about half a second (log-normal; one in a hundred for more than 5 s).
//
// What is left in the end is taken out; messages that were there before are in deferred again.
// Prints what it did as JSON.

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <utime.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/file_descriptor.h"
#include "tests/bench/message_source.h"
#include "tests/bench/queue_entry.h"

namespace fleetqshape {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kDeferredShare = 0.1;
constexpr double kDeferredAgainShare = 0.5;
constexpr double kMedianDeliverySeconds = 0.35;
constexpr double kDeliverySpread = 1.15;  // sigma of the logarithm
constexpr time_t kBackoffSeconds = 4000;

volatile std::sig_atomic_t stopping = 0;

// Where the recipients stand that are still to be delivered.
std::vector<off_t> RecipientOffsets(std::string_view bytes) {
  std::vector<off_t> offsets;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] == 'R') offsets.push_back(static_cast<off_t>(at));
    size_t length = 0;
    int shift = 0;
    unsigned char byte = 0;
    do {
      byte = static_cast<unsigned char>(bytes[++at]);
      length |= static_cast<size_t>(byte & 0x7F) << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    at += 1 + length;
  }
  return offsets;
}

struct Passenger {
  QueueEntry entry;
  std::vector<off_t> recipients;
  bool active = false;
  bool deferred = false;
  bool gone = false;
};

class Traffic {
 public:
  Traffic(double messages_a_second, double retries_a_second, uint64_t seed)
      : messages_a_second_(messages_a_second),
        retries_a_second_(retries_a_second),
        source_(seed, std::time(nullptr)),
        random_(seed) {
    FindDeferred();
  }

  void Run() {
    const Clock::time_point start = Clock::now();
    if (messages_a_second_ > 0) Schedule(0, [this] { Arrive(); });
    if (retries_a_second_ > 0 && !old_.empty()) Schedule(0, [this] { RetryOld(); });
    now_ = start;
    while (stopping == 0) {
      const Clock::time_point due = agenda_.empty() ? Clock::now() : agenda_.top().due;
      // Not longer than this, to see a signal that came in between.
      std::this_thread::sleep_until(std::min(due, Clock::now() + std::chrono::milliseconds(50)));
      if (agenda_.empty() || Clock::now() < due) continue;
      const auto action = std::move(const_cast<Task&>(agenda_.top()).action);
      agenda_.pop();
      now_ = due;  // what is late does not make the rest late
      late_ = std::max(late_, Clock::now() - due);
      action();
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
    CleanUp();
  }

  void Print() const {
    std::printf(
        "{\"seconds\": %.3f, \"arrived\": %lu, \"delivered\": %lu, \"deferrals\": %lu, "
        "\"retries\": %lu, \"old_retries\": %lu, \"most_late_seconds\": %.3f}\n",
        seconds_, arrived_, delivered_, deferrals_, retries_, old_retries_,
        std::chrono::duration<double>(late_).count());
  }

 private:
  struct Task {
    Clock::time_point due;
    std::function<void()> action;
    bool operator<(const Task& other) const { return due > other.due; }
  };
  using Passengers = std::vector<std::unique_ptr<Passenger>>;

  double Between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  double DeliverySeconds() {
    return std::lognormal_distribution<double>(std::log(kMedianDeliverySeconds),
                                               kDeliverySpread)(random_);
  }

  void Schedule(double seconds, std::function<void()> action) {
    agenda_.push(
        {now_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)),
         std::move(action)});
  }

  static std::string DeferredPath(const std::string& id) {
    return std::string("deferred/") + id[0] + "/" + id;
  }

  static void Move(const std::string& from, const std::string& to) {
    if (rename(from.c_str(), to.c_str()) == 0) return;
    // A hash directory is made when it is needed.
    const std::string directory = to.substr(0, to.rfind('/'));
    if (errno != ENOENT || mkdir(directory.c_str(), 0700) != 0 ||
        rename(from.c_str(), to.c_str()) != 0) {
      FailWithErrno(from + " to " + to);
    }
  }

  // qmgr_active_defer()
  static void Defer(const std::string& id) {
    const std::string active = "active/" + id;
    const time_t now = std::time(nullptr);
    // A day more than the back-off, so that no other qmgr takes it.
    const utimbuf times = {now, now + kBackoffSeconds + 86400};
    if (utime(active.c_str(), &times) != 0) FailWithErrno(active);
    Move(active, DeferredPath(id));
  }

  static std::string LogPath(const std::string& id) {
    return std::string("defer/") + id[0] + "/" + id;
  }

  // bounce(8)
  static void WriteLog(const std::string& id) {
    const std::string path = LogPath(id);
    mkdir(path.substr(0, 7).c_str(), 0700);
    const FileDescriptor log(open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600));
    const std::string text =
        "\nrecipient=user@there.example\noffset=500\nstatus=4.4.1\naction=delayed\n"
        "reason=connect to mx.there.example[192.0.2.1]:25: Connection timed out\n";
    if (write(log.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      FailWithErrno(path);
    }
  }

  void FindDeferred() {
    for (const char digit : std::string_view("0123456789ABCDEF")) {
      DIR* directory = opendir((std::string("deferred/") + digit).c_str());
      if (directory == nullptr) continue;
      while (const dirent* entry = readdir(directory)) {
        if (entry->d_name[0] != '.') old_.emplace_back(entry->d_name);
      }
      closedir(directory);
    }
    std::sort(old_.begin(), old_.end());
    std::shuffle(old_.begin(), old_.end(), random_);
  }

  void Arrive() {
    Schedule(1 / messages_a_second_, [this] { Arrive(); });
    ++arrived_;
    ++living_;
    passengers_.push_back(std::make_unique<Passenger>());
    Passenger* passenger = passengers_.back().get();
    Schedule(Between(0, 0.1), [this, passenger] { Enter(passenger); });
    if (passengers_.size() > 2 * living_ + 1000) Forget();
  }

  void Enter(Passenger* passenger) {
    passenger->entry = EnterQueue();
    Schedule(Between(0.001, 0.1), [this, passenger] { Complete(passenger); });
  }

  void Complete(Passenger* passenger) {
    const std::string bytes = source_.ArrivingAt(std::time(nullptr)).bytes;
    CompleteEntry(passenger->entry, bytes);
    passenger->entry.file = FileDescriptor();
    passenger->recipients = RecipientOffsets(bytes);
    Schedule(Between(0.001, 0.02), [this, passenger] { Activate(passenger); });
  }

  void Activate(Passenger* passenger) {
    const std::string& id = passenger->entry.id;
    Move(passenger->deferred ? DeferredPath(id) : "incoming/" + id, "active/" + id);
    if (passenger->deferred) unlink(LogPath(id).c_str());
    passenger->active = true;
    Schedule(DeliverySeconds(), [this, passenger] { Deliver(passenger); });
  }

  void Deliver(Passenger* passenger) {
    const std::string& id = passenger->entry.id;
    const bool again = passenger->deferred;
    const bool defers = Between(0, 1) < (again ? kDeferredAgainShare : kDeferredShare);
    std::vector<off_t>& recipients = passenger->recipients;
    // Of a message that is deferred, the last recipients are.
    const size_t done = defers ? recipients.size() / 2 : recipients.size();
    if (done > 0) MarkDelivered(id, {recipients.begin(), recipients.begin() + done});
    recipients.erase(recipients.begin(), recipients.begin() + done);
    if (!defers) {
      if (unlink(("active/" + id).c_str()) != 0) FailWithErrno("active/" + id);
      ++delivered_;
      --living_;
      passenger->gone = true;
      return;
    }
    WriteLog(id);
    Defer(id);
    ++deferrals_;
    passenger->active = false;
    passenger->deferred = true;
    Schedule(Between(15, 45), [this, passenger] {
      ++retries_;
      Activate(passenger);
    });
  }

  // deliver_completed()
  static void MarkDelivered(const std::string& id, const std::vector<off_t>& offsets) {
    const FileDescriptor file(open(("active/" + id).c_str(), O_RDWR | O_CLOEXEC));
    for (const off_t offset : offsets) {
      if (pwrite(file.get(), "D", 1, offset) != 1) FailWithErrno("active/" + id);
    }
  }

  void RetryOld() {
    Schedule(1 / retries_a_second_, [this] { RetryOld(); });
    if (old_.empty()) return;  // all are being tried
    const std::string id = std::move(old_.front());
    old_.pop_front();
    out_.insert(id);
    Move(DeferredPath(id), "active/" + id);
    unlink(LogPath(id).c_str());
    ++old_retries_;
    Schedule(Between(0.05, 2), [this, id] {
      WriteLog(id);
      Defer(id);
      out_.erase(id);
      old_.push_back(id);
    });
  }

  // Those that were delivered.
  void Forget() {
    std::erase_if(passengers_, [](const auto& passenger) { return passenger->gone; });
  }

  void CleanUp() {
    Forget();
    for (const auto& passenger : passengers_) {
      const std::string& id = passenger->entry.id;
      if (id.empty()) continue;  // about to come
      const std::string path = passenger->active     ? "active/" + id
                               : passenger->deferred ? DeferredPath(id)
                                                     : "incoming/" + id;
      if (unlink(path.c_str()) != 0) FailWithErrno(path);
      unlink(LogPath(id).c_str());
    }
    for (const std::string& id : out_) Defer(id);
  }

  const double messages_a_second_;
  const double retries_a_second_;
  MessageSource source_;
  std::mt19937_64 random_;
  // Ids of messages that were there before: in deferred, the next one first, and in active.
  std::deque<std::string> old_;
  std::set<std::string> out_;

  Clock::time_point now_ = Clock::now();
  std::priority_queue<Task> agenda_;
  Passengers passengers_;
  size_t living_ = 0;

  double seconds_ = 0;
  Clock::duration late_{};
  uint64_t arrived_ = 0;
  uint64_t delivered_ = 0;
  uint64_t deferrals_ = 0;
  uint64_t retries_ = 0;
  uint64_t old_retries_ = 0;
};

int Main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::fputs("usage: queue_traffic QUEUE_DIRECTORY MESSAGES_A_SECOND RETRIES_A_SECOND [SEED]\n",
               stderr);
    return 2;
  }
  BecomeOwnerOf(std::string(argv[1]) + "/incoming");
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // not to be left behind
  if (chdir(argv[1]) != 0) FailWithErrno(argv[1]);
  struct sigaction action {};
  action.sa_handler = [](int) { stopping = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  Traffic traffic(std::atof(argv[2]), std::atof(argv[3]),
                  argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1);
  traffic.Run();
  traffic.Print();
  return 0;
}

}  // namespace
}  // namespace fleetqshape

int main(int argc, char** argv) { return fleetqshape::Main(argc, argv); }
