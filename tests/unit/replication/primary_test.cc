#include "flared/replication/primary.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

using namespace std::chrono_literals;

constexpr Primary::TimePoint start{};

stream::Ack ack(std::uint64_t sequence) { return {Epoch{1}, Sequence{sequence}, Sequence{sequence}, 0}; }

TEST(PrimaryOfOneSlave, ConfirmsOnceAfterTheFirstAckOfACaughtUpSlave) {
  Primary primary{Sequence{100}, false, start};
  EXPECT_FALSE(primary.on_timer(Sequence{100}, start + 1ms).confirm);  // the hello alone proves nothing
  EXPECT_TRUE(primary.on_message(ack(100), Sequence{100}, start + 2ms).confirm);
  EXPECT_FALSE(primary.on_message(ack(100), Sequence{100}, start + 3ms).confirm);
  EXPECT_FALSE(primary.in_sync());
  EXPECT_TRUE(primary.on_confirmed(true, start + 4ms).insync);
  EXPECT_TRUE(primary.in_sync());
  EXPECT_FALSE(primary.on_timer(Sequence{100}, start + 2s).confirm);
}

TEST(PrimaryOfOneSlave, AsksAgainAfterAPauseWhenTheIndexCouldNotBeTold) {
  Primary primary{Sequence{100}, false, start};
  ASSERT_TRUE(primary.on_message(ack(100), Sequence{100}, start).confirm);
  EXPECT_FALSE(primary.on_confirmed(false, start).insync);
  EXPECT_FALSE(primary.on_timer(Sequence{100}, start + 500ms).confirm);
  EXPECT_TRUE(primary.on_timer(Sequence{100}, start + 1s).confirm);
}

TEST(PrimaryOfOneSlave, DoesNotConfirmASlaveFarBehind) {
  Primary primary{Sequence{0}, false, start};
  primary.on_sent(Sequence{10000});
  EXPECT_FALSE(primary.on_message(ack(100), Sequence{10000}, start).confirm);
  EXPECT_EQ(primary.lag(Sequence{10000}), 9900u);
  EXPECT_TRUE(primary.on_message(ack(9990), Sequence{10000}, start).confirm);
}

TEST(PrimaryOfOneSlave, DoesNotConfirmBeforeTheSnapshotIsCommitted) {
  Primary primary{Sequence{100}, true, start};
  EXPECT_FALSE(primary.on_timer(Sequence{100}, start + 1s).confirm);
  EXPECT_FALSE(primary.on_message(ack(0), Sequence{100}, start + 1s).confirm);
  EXPECT_TRUE(primary.on_message(ack(100), Sequence{100}, start + 2s).confirm);
}

TEST(PrimaryOfOneSlave, DoesNotConfirmBeforeTheLogHasMadeItsKeysExact) {
  Primary primary{Sequence{90}, true, start};
  primary.must_reach(Sequence{95});
  primary.on_sent(Sequence{100});
  EXPECT_FALSE(primary.on_message(ack(94), Sequence{100}, start + 1s).confirm);
  EXPECT_TRUE(primary.on_message(ack(95), Sequence{100}, start + 2s).confirm);
}

TEST(PrimaryOfOneSlave, PingsAtLeastEach200Milliseconds) {
  Primary primary{Sequence{0}, false, start};
  EXPECT_FALSE(primary.on_timer(Sequence{0}, start + 199ms).ping);
  EXPECT_TRUE(primary.on_timer(Sequence{0}, start + 200ms).ping);
  EXPECT_FALSE(primary.on_timer(Sequence{0}, start + 300ms).ping);
  EXPECT_TRUE(primary.on_timer(Sequence{0}, start + 400ms).ping);
}

TEST(PrimaryOfOneSlave, ClosesASilentSlaveButGivesABuildItsTime) {
  Primary resumed{Sequence{0}, false, start};
  EXPECT_FALSE(resumed.on_timer(Sequence{0}, start + 10s).close);
  EXPECT_TRUE(resumed.on_timer(Sequence{0}, start + 11s).close);

  Primary built{Sequence{0}, true, start};
  built.on_snapshot_sent(start + 1h);
  EXPECT_FALSE(built.on_timer(Sequence{0}, start + 1h + 59s).close);
  EXPECT_TRUE(built.on_timer(Sequence{0}, start + 1h + 61s).close);
  built.on_message(ack(0), Sequence{0}, start + 2h);
  EXPECT_TRUE(built.on_timer(Sequence{0}, start + 2h + 11s).close);
}

TEST(PrimaryOfOneSlave, ClosesOnAnAckThatCannotBe) {
  Primary primary{Sequence{100}, false, start};
  primary.on_sent(Sequence{110});
  EXPECT_FALSE(primary.on_message(ack(105), Sequence{110}, start).close);
  EXPECT_TRUE(primary.on_message(ack(111), Sequence{120}, start).close);  // not sent yet
  EXPECT_TRUE(primary.on_message(ack(104), Sequence{120}, start).close);  // back
  const stream::Ack ahead{Epoch{1}, Sequence{106}, Sequence{107}, 0};
  EXPECT_TRUE(primary.on_message(ahead, Sequence{120}, start).close);  // durable before it is there
}

}  // namespace
}  // namespace flare
