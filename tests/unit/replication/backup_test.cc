#include "flared/replication/backup.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

const Position own{LogId{1}, Epoch{5}, Sequence{100}};

// Gives a message to a backup as the decoder would.
Backup::Action give(Backup& backup, const stream::Message& message) {
  std::string bytes;
  std::visit([&](const auto& kind) { stream::append(bytes, kind); }, message);
  stream::Decoder decoder{1000};
  std::string_view unread{bytes};
  const auto decoded = decoder.next(unread);
  return backup.on_message(**decoded);
}

template <class Kind>
bool is(const Backup::Action& action) {
  return std::holds_alternative<Kind>(action);
}

stream::Entry set(std::uint64_t epoch, std::uint64_t sequence) {
  LogEntry entry;
  entry.epoch = Epoch{epoch};
  entry.sequence = Sequence{sequence};
  entry.key = "k";
  return {entry};
}

stream::Ping ping(std::uint64_t epoch, std::uint64_t sequence = 100) { return {Epoch{epoch}, Sequence{sequence}, 77}; }

Backup streaming(Epoch epoch_known = Epoch{0}) {
  Backup backup{own, epoch_known};
  EXPECT_TRUE(is<Backup::Nothing>(give(backup, stream::Ok{own})));
  return backup;
}

TEST(BackupOfOneSource, AppliesExactlyTheNextEntries) {
  auto backup = streaming();
  give(backup, ping(5, 103));
  EXPECT_EQ(backup.lag(), 3u);
  EXPECT_TRUE(is<Backup::Apply>(give(backup, set(5, 101))));
  EXPECT_TRUE(is<Backup::Apply>(give(backup, set(6, 102))));  // of a later epoch, without a gap
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, set(6, 104))));
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, set(6, 102))));
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, set(5, 103))));  // back in epochs
  EXPECT_EQ(backup.position(), (Position{LogId{1}, Epoch{6}, Sequence{102}}));
}

TEST(BackupOfOneSource, AcknowledgesWithTheStampOfTheNewestPing) {
  auto backup = streaming();
  give(backup, ping(5));
  give(backup, set(5, 101));
  const auto ack = backup.ack(Sequence{100});
  EXPECT_EQ(ack.sequence, Sequence{101});
  EXPECT_EQ(ack.durable, Sequence{100});
  EXPECT_EQ(ack.stamp, 77u);
}

TEST(BackupOfOneSource, RefusesAStreamOfALowerEpoch) {
  auto deposed = streaming();
  EXPECT_TRUE(is<Backup::Refuse>(give(deposed, ping(4))));
  auto told = streaming(Epoch{9});
  EXPECT_TRUE(is<Backup::Refuse>(give(told, ping(8))));
  auto risen = streaming();
  EXPECT_TRUE(is<Backup::Nothing>(give(risen, ping(7))));
  EXPECT_TRUE(is<Backup::Refuse>(give(risen, ping(6))));
}

TEST(BackupOfOneSource, TakesNothingBeforeTheSourceHasToldItsEpoch) {
  auto backup = streaming();
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, set(5, 101))));
}

TEST(BackupOfOneSource, RefusesAnOkForAnotherPosition) {
  Backup backup{own, Epoch{0}};
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, stream::Ok{{LogId{1}, Epoch{5}, Sequence{99}}})));
}

struct Snapshot {
  explicit Snapshot(LogId log_id) : begin{{log_id, Epoch{3}, Sequence{40}}, {{Epoch{3}, Sequence{40}}}, 1} {
    stream::append(bytes, stream::Record{"k", {0, 0, RecordVersion{1}, "v"}});
    checksum.add(bytes);
  }
  stream::SnapshotBegin begin;
  std::string bytes;
  stream::Checksum checksum;
  stream::Record record{"k", {0, 0, RecordVersion{1}, "v"}};
};

TEST(BackupOfOneSource, CommitsAWholeSnapshotAndGoesOnFromItsPosition) {
  const Snapshot snapshot{LogId{2}};
  Backup backup{own, Epoch{0}};
  EXPECT_TRUE(is<Backup::BeginSnapshot>(give(backup, snapshot.begin)));
  EXPECT_TRUE(is<Backup::Nothing>(give(backup, ping(3, 45))));  // another history: its epochs are not ours
  EXPECT_TRUE(is<Backup::Put>(give(backup, snapshot.record)));
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, set(3, 41))));  // not yet
  const auto done = give(backup, stream::SnapshotEnd{1, snapshot.checksum.value()});
  ASSERT_TRUE(is<Backup::Commit>(done));
  EXPECT_EQ(std::get<Backup::Commit>(done).position, snapshot.begin.position);
  EXPECT_EQ(std::get<Backup::Commit>(done).epochs, snapshot.begin.epochs);
  EXPECT_EQ(backup.lag(), 5u);
  EXPECT_TRUE(is<Backup::Apply>(give(backup, set(3, 41))));
}

TEST(BackupOfOneSource, RefusesAnIncompleteOrDamagedSnapshot) {
  for (const auto& [count, flip] : {std::pair{2, 0}, std::pair{0, 0}, std::pair{1, 1}}) {
    const Snapshot snapshot{LogId{2}};
    Backup backup{own, Epoch{0}};
    give(backup, snapshot.begin);
    give(backup, ping(3));
    give(backup, snapshot.record);
    const auto checksum = snapshot.checksum.value() ^ static_cast<std::uint64_t>(flip);
    const stream::SnapshotEnd end{static_cast<std::uint64_t>(count), checksum};
    EXPECT_TRUE(is<Backup::Refuse>(give(backup, end)));
  }
}

TEST(BackupOfOneSource, RefusesASnapshotOfALowerEpochOfTheSameHistory) {
  const Snapshot snapshot{own.log_id};
  Backup backup{own, Epoch{0}};
  give(backup, snapshot.begin);
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, ping(3))));
}

TEST(BackupOfOneSource, RefusesASnapshotOfALowerEpochThanTheMapsOne) {
  const Snapshot snapshot{LogId{2}};
  Backup backup{own, Epoch{4}};
  give(backup, snapshot.begin);
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, ping(3))));
}

TEST(BackupOfOneSource, TellsInSyncOnlyWhileStreaming) {
  Backup asked{own, Epoch{0}};
  EXPECT_TRUE(is<Backup::Refuse>(give(asked, stream::InSync{Epoch{5}, Sequence{100}})));
  auto backup = streaming();
  give(backup, ping(5));
  EXPECT_TRUE(is<Backup::Confirmed>(give(backup, stream::InSync{Epoch{5}, Sequence{100}})));
}

TEST(BackupOfOneSource, HandsARefusalOn) {
  Backup backup{own, Epoch{0}};
  const auto refused = give(backup, stream::Refusal{"SERVER_ERROR not master"});
  ASSERT_TRUE(is<Backup::Refuse>(refused));
  EXPECT_EQ(std::get<Backup::Refuse>(refused).reason, "SERVER_ERROR not master");
}

// replication.md 11: a surplus of 10 entries behind 90.
const Position common{LogId{1}, Epoch{4}, Sequence{90}};

Backup fetching() {
  Backup backup{own, Epoch{6}, {{Epoch{4}, Sequence{90}}, {Epoch{5}, Sequence{100}}}};
  const auto action = give(backup, stream::Common{common});
  EXPECT_TRUE(is<Backup::FetchKeys>(action) && std::get<Backup::FetchKeys>(action).common == common);
  backup.asks_for({"a", "b"});
  return backup;
}

std::uint64_t checksum_of(const std::vector<stream::Message>& messages) {
  stream::Checksum checksum;
  for (const auto& message : messages) {
    std::string bytes;
    std::visit([&](const auto& kind) { stream::append(bytes, kind); }, message);
    checksum.add(bytes);
  }
  return checksum.value();
}

const stream::Record record_a{"a", {0, 0, RecordVersion{1}, "x"}};
const stream::Deleted no_b{"b", RecordVersion{0}, 0};

TEST(BackupThatWasAhead, TakesBackItsSurplusAndGoesOnFromTheCommonPosition) {
  auto backup = fetching();
  EXPECT_EQ(backup.surplus(), 10u);
  give(backup, ping(6, 95));
  EXPECT_TRUE(is<Backup::Put>(give(backup, record_a)));
  EXPECT_TRUE(is<Backup::PutDeletion>(give(backup, no_b)));
  EXPECT_EQ(backup.position(), own) << "nothing has changed before all has come";
  const auto action = give(backup, stream::KeysEnd{Sequence{95}, 2, checksum_of({record_a, no_b})});
  ASSERT_TRUE(is<Backup::Correct>(action));
  EXPECT_EQ(std::get<Backup::Correct>(action).common, common);
  EXPECT_EQ(std::get<Backup::Correct>(action).exact_at, Sequence{95});
  EXPECT_TRUE(is<Backup::Apply>(give(backup, set(4, 91)))) << "of the epoch of the common entry";
  EXPECT_EQ(backup.ack(Sequence{200}).sequence, Sequence{91});
}

TEST(BackupThatWasAhead, AsksForASnapshotWhereKeysAreTooMany) {
  auto backup = fetching();
  backup.asks_whole();
  EXPECT_TRUE(is<Backup::BeginSnapshot>(
      give(backup, stream::SnapshotBegin{{LogId{1}, Epoch{6}, Sequence{95}},
                                         {{Epoch{4}, Sequence{90}}, {Epoch{6}, Sequence{95}}}})));
  EXPECT_EQ(backup.surplus(), 10u);
}

TEST(BackupThatWasAhead, RefusesWhatItDidNotAskFor) {
  const auto good = checksum_of({record_a, no_b});
  const std::vector<std::vector<stream::Message>> bad{
      {no_b},
      {record_a, record_a},
      {record_a, stream::KeysEnd{Sequence{95}, 1, checksum_of({record_a})}},
      {record_a, no_b, stream::KeysEnd{Sequence{95}, 2, good + 1}},
      {record_a, no_b, stream::KeysEnd{Sequence{95}, 3, good}},
      {record_a, no_b, no_b},
      {set(6, 91)},
      {stream::Common{common}},
  };
  for (const auto& messages : bad) {
    auto backup = fetching();
    give(backup, ping(6, 95));
    for (const auto& message : messages) {
      const auto action = give(backup, message);
      EXPECT_EQ(is<Backup::Refuse>(action), &message == &messages.back());
    }
  }
}

TEST(BackupThatWasAhead, RefusesASourceOfALowerEpoch) {
  auto backup = fetching();
  EXPECT_TRUE(is<Backup::Refuse>(give(backup, ping(5, 95))));
  auto unasked = fetching();
  EXPECT_TRUE(is<Backup::Refuse>(give(unasked, record_a))) << "before the source has told its epoch";
}

TEST(BackupThatWasAhead, RefusesACommonPositionThatIsNotItsOwn) {
  for (const auto& bad : {Position{LogId{2}, Epoch{4}, Sequence{90}}, Position{LogId{1}, Epoch{5}, Sequence{101}}}) {
    Backup backup{own, Epoch{0}};
    EXPECT_TRUE(is<Backup::Refuse>(give(backup, stream::Common{bad})));
  }
}

}  // namespace
}  // namespace flare
