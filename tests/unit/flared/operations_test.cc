#include "flared/operations.h"

#include <gtest/gtest.h>

#include "common/protocol/exptime.h"
#include "flared/item_operations.h"

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'700'000'000;

Request request_of(Command command, std::int64_t exptime) {
  Request request;
  request.command = command;
  request.key = "k";
  request.exptime = exptime;
  return request;
}

TEST(ToOperation, MakesTimesAbsolute) {
  EXPECT_EQ(to_operation(request_of(Command::set, 0), now_s).expire_s, 0);
  EXPECT_EQ(to_operation(request_of(Command::touch, 60), now_s).expire_s, now_s + 60);
  EXPECT_EQ(to_operation(request_of(Command::gat, now_s + 9), now_s).expire_s, now_s + 9);
  EXPECT_EQ(to_operation(request_of(Command::set, -1), now_s).expire_s, long_past_s);
  EXPECT_EQ(to_operation(request_of(Command::remove, 60), now_s).hold_until_s, now_s + 60);
}

// protocol.md 2: the last number of cas is what the present version must equal; that of the others, the new version.
TEST(ToOperation, ComparesByTheNumberOfCasOnly) {
  for (const auto command : {Command::set, Command::add, Command::replace, Command::append, Command::remove}) {
    auto request = request_of(command, 0);
    request.version = 7;
    EXPECT_EQ(to_operation(request, now_s).version, RecordVersion{7});
    EXPECT_FALSE(to_operation(request, now_s).compare);
  }
  auto request = request_of(Command::cas, 0);
  for (const std::uint64_t version : {0u, 7u}) {
    request.version = version;
    EXPECT_EQ(to_operation(request, now_s).compare, RecordVersion{version});
    EXPECT_EQ(to_operation(request, now_s).version, RecordVersion{0});
  }
}

TEST(CmdSet, CountsTheSetFamilyTouchAndGat) {
  for (const auto command : {Command::set, Command::add, Command::replace, Command::append, Command::prepend,
                             Command::cas, Command::touch, Command::gat}) {
    EXPECT_TRUE(counts_as_set(command));
  }
  for (const auto command : {Command::incr, Command::decr, Command::remove, Command::get}) {
    EXPECT_FALSE(counts_as_set(command));
  }
}

struct CountCase {
  Command command;
  OutcomeKind outcome;
  Counter Counters::*counted;
};

class Count : public testing::TestWithParam<CountCase> {};

TEST_P(Count, RaisesTheCounterOfChapter5) {
  Counters counters;
  count(counters, request_of(GetParam().command, 0), Outcome{GetParam().outcome, 0, RecordVersion{0}});
  EXPECT_EQ((counters.*GetParam().counted).get(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Protocol_5, Count,
                         testing::Values(CountCase{Command::cas, OutcomeKind::stored, &Counters::cas_hits},
                                         CountCase{Command::cas, OutcomeKind::exists, &Counters::cas_badval},
                                         CountCase{Command::cas, OutcomeKind::not_found, &Counters::cas_misses},
                                         CountCase{Command::incr, OutcomeKind::number, &Counters::incr_hits},
                                         CountCase{Command::incr, OutcomeKind::not_found, &Counters::incr_misses},
                                         CountCase{Command::decr, OutcomeKind::number, &Counters::decr_hits},
                                         CountCase{Command::decr, OutcomeKind::not_found, &Counters::decr_misses},
                                         CountCase{Command::remove, OutcomeKind::deleted, &Counters::delete_hits},
                                         CountCase{Command::remove, OutcomeKind::not_found, &Counters::delete_misses},
                                         CountCase{Command::touch, OutcomeKind::touched, &Counters::touch_hits},
                                         CountCase{Command::touch, OutcomeKind::not_found, &Counters::touch_misses},
                                         CountCase{Command::set, OutcomeKind::stored, &Counters::total_items}));

TEST(CountOfItems, HasTheTouchesOfEveryProtocol) {
  Counters counters;
  ItemRequest request;
  request.exptime = 30;
  ItemResult result;
  for (const auto status : {ItemStatus::done, ItemStatus::missing}) {
    result.status = status;
    count(counters, request, result);
  }
  EXPECT_EQ(counters.touch_hits.get(), 1U);
  EXPECT_EQ(counters.touch_misses.get(), 1U);
  EXPECT_EQ(counters.cmd_touch.get(), 2U);
}

}  // namespace
}  // namespace flare
