#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

#include "flared/replication/backup.h"
#include "flared/replication/hello.h"
#include "flared/replication/primary.h"
#include "unit/replication/model_store.h"

/// The pure parts of both sides over a simulated connection (docs/replication.md, Form): it keeps the order and loses
/// its tail; both nodes crash, with the loss of what the kernel did not have. One seed is one schedule.
namespace flare {
namespace {

using namespace std::chrono_literals;

using test::ModelStore;

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed), keys_(5 + seed % 200), write_log_odds_(seed % 20) {
    master_.log_id = master_.begin.log_id = LogId{100};
    slave_.log_id = slave_.begin.log_id = LogId{200};
    slave_.write(EntryKind::set, "surplus", "of the slave");
    slave_.write_log();
  }

  // Random steps, then peace: the replicas must become equal.
  void run() {
    for (int step = 0; step < 600; ++step) random_step();
    for (int step = 0; step < 3000 && !level(); ++step) {
      master_.write_log();
      if (!connected_) connect();
      send();
      deliver(1000);
      now_ += 100ms;
    }
    EXPECT_TRUE(level());
    EXPECT_EQ(master_.records, slave_.records);
  }

  int snapshots() const { return snapshots_; }
  int resumes() const { return resumes_; }

 private:
  unsigned pick(unsigned of) { return static_cast<unsigned>(random_() % of); }
  bool level() const { return connected_ && confirmed_ && master_.position() == slave_.position(); }

  void random_step() {
    now_ += std::chrono::milliseconds{pick(50)};
    const auto dice = pick(100);
    if (dice < 20) {
      write();
    } else if (dice < 24 + write_log_odds_) {
      master_.write_log();
    } else if (dice < 60) {
      connected_ ? send() : connect();
    } else if (dice < 88) {
      deliver(pick(3) == 0 ? 1000 : pick(5));
    } else if (dice < 92) {
      disconnect();
    } else if (dice < 95) {
      disconnect();
      master_.crash();
      if (pick(2) == 0) master_.epoch = next(master_.epoch);
    } else if (dice == 96) {
      disconnect();
      slave_.crash();
    } else if (dice == 97) {
      master_.epoch = next(master_.epoch);
    } else if (dice == 98 && master_.written > 3) {
      master_.trim(master_.written / 2);
    }
  }

  void write() {
    const auto key = "k" + std::to_string(pick(keys_));
    const auto dice = pick(60);
    if (dice == 0) {
      master_.write(EntryKind::flush, {}, {});
    } else if (dice < 15) {
      master_.write(EntryKind::remove, key, {});
    } else {
      master_.write(EntryKind::set, key, std::to_string(random_()));
    }
  }

  // What the source does with a hello, and the first lines it answers.
  void connect() {
    Hello hello{PartitionId{0}, 1, slave_.position(), slave_.epochs(), NodeKey{"slave:1"}};
    const auto read = parse_hello(format_hello(hello));
    ASSERT_TRUE(read);
    const bool reaches_back =
        hello.position.sequence >= master_.begin.sequence && hello.position.sequence <= master_.written_sequence();
    const auto decision = decide_start(*read, master_.position(), master_.epochs(), reaches_back);
    ASSERT_NE(decision.kind, StartDecision::Kind::refused) << decision.reason;
    connected_ = true;
    confirmed_ = false;
    to_slave_.clear();
    to_master_.clear();
    backup_.emplace(hello.position, Epoch{0});
    if (decision.kind == StartDecision::Kind::resume) {
      ++resumes_;
      primary_.emplace(hello.position.sequence, false, now_);
      put(stream::Ok{hello.position});
      ping();
      return;
    }
    ++snapshots_;
    master_.write_log();  // a scan begins inside the exclusive gate
    const auto position = master_.position();
    primary_.emplace(position.sequence, true, now_);
    put(stream::SnapshotBegin{position, master_.epochs(), master_.records.size()});
    ping();
    scan();
  }

  // Fuzzy: while it runs, the master writes on, and each record is sent as it is found.
  void scan() {
    stream::Checksum checksum;
    std::uint64_t count = 0;
    std::string last;
    for (auto found = master_.records.begin(); found != master_.records.end();
         found = master_.records.upper_bound(last)) {
      last = found->first;
      std::string bytes;
      stream::append(bytes, stream::Record{found->first, {0, 0, RecordVersion{1}, found->second}});
      checksum.add(bytes);
      ++count;
      to_slave_ += bytes;
      if (pick(3) == 0) write();
      if (pick(5) == 0) master_.write_log();
    }
    master_.write_log();  // the end waits for the log
    put(stream::SnapshotEnd{count, checksum.value()});
    primary_->on_snapshot_sent(now_);
  }

  template <class Message>
  void put(const Message& message) {
    stream::append(to_slave_, message);
  }
  void ping() { put(stream::Ping{std::max(master_.epoch, master_.position().epoch), master_.written_sequence(), 1}); }

  void send() {
    if (primary_->sent() < master_.begin.sequence) return disconnect();  // trimmed away: a snapshot is due
    auto at = raw(primary_->sent()) - raw(master_.begin.sequence);
    for (int i = 0; i < 20 && at < master_.written; ++i, ++at) {
      auto entry = master_.log[at].entry;
      entry.key = master_.log[at].key;
      entry.data = master_.log[at].data;
      put(stream::Entry{entry});
      primary_->on_sent(entry.sequence);
    }
    obey(primary_->on_timer(master_.written_sequence(), now_));
  }

  void obey(const Primary::Actions& actions) {
    if (actions.close) return disconnect();
    if (actions.ping) ping();
    if (!actions.confirm) return;
    const bool told = pick(3) != 0;
    if (primary_->on_confirmed(told, now_).insync) put(stream::InSync{master_.epoch, primary_->sent()});
  }

  // Some bytes arrive, whole messages or not.
  void deliver(unsigned bytes) {
    if (!connected_) return;
    const auto arriving = std::min<std::size_t>(bytes * 37, to_slave_.size());
    slave_unread_ += to_slave_.substr(0, arriving);
    to_slave_.erase(0, arriving);
    std::string_view unread{slave_unread_};
    while (connected_) {
      const auto decoded = slave_decoder_.next(unread);
      ASSERT_TRUE(decoded) << stream::to_text(decoded.error());
      if (!*decoded) break;
      act(backup_->on_message(**decoded));
    }
    if (!connected_) return;
    slave_unread_.erase(0, slave_unread_.size() - unread.size());
    if (backup_->state() != Backup::State::streaming) return;
    if (pick(2) == 0) slave_.write_log();
    stream::append(to_master_, backup_->ack(slave_.written_sequence()));
    hear();
  }

  void hear() {
    std::string_view unread{to_master_};
    while (connected_) {
      const auto decoded = master_decoder_.next(unread);
      ASSERT_TRUE(decoded && *decoded);
      const auto actions =
          primary_->on_message(std::get<stream::Ack>((*decoded)->message), master_.written_sequence(), now_);
      EXPECT_FALSE(actions.close) << *actions.close;
      obey(actions);
      if (unread.empty()) break;
    }
    to_master_.clear();
  }

  void act(const Backup::Action& action) {
    if (const auto* refuse = std::get_if<Backup::Refuse>(&action)) FAIL() << refuse->reason;
    if (std::holds_alternative<Backup::BeginSnapshot>(action)) replacement_.clear();
    if (std::holds_alternative<Backup::Confirmed>(action)) confirmed_ = true;
    if (const auto* put = std::get_if<Backup::Put>(&action)) {
      replacement_[std::string{put->record.key}] = std::string{put->record.record.data};
    }
    if (const auto* commit = std::get_if<Backup::Commit>(&action)) {
      slave_ = {};
      slave_.log_id = commit->position.log_id;
      slave_.begin = commit->position;
      slave_.epochs_at_begin = commit->epochs;
      slave_.records = slave_.at_begin = replacement_;
    }
    if (const auto* apply = std::get_if<Backup::Apply>(&action)) {
      EXPECT_EQ(apply->entry.sequence, next(slave_.position().sequence));
      slave_.append(apply->entry);
    }
  }

  void disconnect() {
    connected_ = false;
    slave_unread_.clear();
  }

  std::mt19937 random_;
  unsigned keys_;
  unsigned write_log_odds_;
  Primary::TimePoint now_{};
  ModelStore master_;
  ModelStore slave_;
  ModelStore::Records replacement_;
  bool connected_ = false;
  bool confirmed_ = false;
  std::optional<Primary> primary_;
  std::optional<Backup> backup_;
  std::string to_slave_;  // on the way
  std::string to_master_;
  std::string slave_unread_;
  stream::Decoder slave_decoder_{1000};
  stream::Decoder master_decoder_{0};
  int snapshots_ = 0;
  int resumes_ = 0;
};

TEST(ReplicationSimulator, LeavesReplicasEqualAfterAnySchedule) {
  int snapshots = 0;
  int resumes = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    Simulation simulation{seed};
    simulation.run();
    snapshots += simulation.snapshots();
    resumes += simulation.resumes();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(snapshots, 1000);
  EXPECT_GT(resumes, 1000);
}

}  // namespace
}  // namespace flare
