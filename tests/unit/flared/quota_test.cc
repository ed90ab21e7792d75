#include "flared/quota.h"

#include <gtest/gtest.h>

#include "flared/operations_bucket.h"

namespace flare {
namespace {

using std::chrono::milliseconds;

constexpr OperationsBucket::Time start{std::chrono::hours{1}};

int taken(OperationsBucket& bucket, int wanted) {
  int count = 0;
  for (int i = 0; i < wanted; ++i) count += bucket.take(1) ? 1 : 0;
  return count;
}

TEST(OperationsBucket, GivesItsShareEachSecond) {
  OperationsBucket bucket;
  EXPECT_EQ(taken(bucket, 1000), 1000) << "no limit";
  bucket.refill(10, start);
  EXPECT_EQ(taken(bucket, 100), 10);
  bucket.refill(10, start + milliseconds{500});
  EXPECT_EQ(taken(bucket, 100), 5);
  bucket.refill(10, start + std::chrono::seconds{60});
  EXPECT_EQ(taken(bucket, 100), 10) << "what was not used is not kept";
  bucket.refill(20, start + std::chrono::seconds{60});
  EXPECT_EQ(taken(bucket, 100), 20) << "a new share begins full";
  bucket.refill(0, start + std::chrono::seconds{60});
  EXPECT_EQ(taken(bucket, 100), 100);
}

TEST(OperationsBucket, GivesShareBelowOneASecondToo) {
  OperationsBucket bucket;
  bucket.refill(0.25, start);
  EXPECT_EQ(taken(bucket, 3), 1);
  bucket.refill(0.25, start + std::chrono::seconds{2});
  EXPECT_EQ(taken(bucket, 3), 0);
  bucket.refill(0.25, start + std::chrono::seconds{4});
  EXPECT_EQ(taken(bucket, 3), 1);
}

TEST(OperationsBucket, LetsAManyKeyGetBePaidByThoseThatFollow) {
  OperationsBucket bucket;
  bucket.refill(10, start);
  EXPECT_TRUE(bucket.take(30));
  bucket.refill(10, start + std::chrono::seconds{2});
  EXPECT_FALSE(bucket.take(1));
  bucket.refill(10, start + milliseconds{2100});
  EXPECT_TRUE(bucket.take(1));
}

struct Counted {
  Command command;
  std::string_view rest;
  bool proxied;
  std::uint64_t operations;
};

TEST(QuotaOperations, AreKeysOfClients) {
  const Counted cases[] = {
      {Command::get, " a b c", false, 3}, {Command::gets, " a", false, 1},    {Command::set, "", false, 1},
      {Command::remove, "", false, 1},    {Command::set, "", true, 0},        {Command::ping, "", false, 0},
      {Command::stats, "", false, 0},     {Command::flush_all, "", false, 0}, {Command::dump, "", false, 0},
      {Command::repl, "", false, 0},      {Command::node_sync, "", false, 0},
  };
  for (const auto& [command, rest, proxied, operations] : cases) {
    Request request;
    request.command = command;
    request.rest = rest;
    request.proxied = proxied;
    EXPECT_EQ(operations_of(request), operations) << static_cast<int>(command) << rest;
  }
}

}  // namespace
}  // namespace flare
