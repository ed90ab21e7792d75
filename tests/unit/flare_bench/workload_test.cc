#include "flare_bench/workload.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr std::uint32_t keys = 100;

/// A workload of `shape` over a hundred keys, and the last batch it has made.
struct Bench {
  explicit Bench(Shape wanted, std::uint64_t seed = 1, std::uint64_t at_a_time = 20)
      : shape{std::move(wanted)}, workload{shape, keys, at_a_time, seed, ledger, writer} {}

  Batch next(int requests) {
    Batch batch;
    for (int number = 0; number < requests; ++number) workload.append(TimePoint{}, batch);
    return batch;
  }

  Shape shape;
  KeyNames names{"k", 11};
  ValueBook values{16};
  std::unique_ptr<Wire> wire = make_wire(Protocol::text, names);
  KeyLedger ledger{keys, Generation{1}};
  RequestWriter writer{*wire, values, KeyShare{.first = 0, .stride = 1, .count = keys}, ledger};
  Workload workload;
};

TEST(Workload, ReadsEachKeyOfAMultiGetOnce) {
  Bench bench{{.kind = Kind::get, .keys_per_get = 50}};
  for (int number = 0; number < 100; ++number) {
    const auto batch = bench.next(1);
    std::set<KeyIndex> seen;
    for (const auto& asked : batch.keys) seen.insert(asked.key);
    EXPECT_EQ(seen.size(), 50U);
    EXPECT_LT(static_cast<std::uint32_t>(*seen.rbegin()), keys);
  }
}

TEST(Workload, ReachesAllKeys) {
  for (const auto kind : {Kind::get, Kind::set}) {
    Bench bench{{.kind = kind}};
    std::set<KeyIndex> seen;
    for (int number = 0; number < 2'000; ++number) {
      const auto asked = bench.next(1).keys.front().key;
      seen.insert(asked);
      if (kind == Kind::set) bench.ledger.end_set(asked, true);
    }
    EXPECT_EQ(seen.size(), keys);
  }
}

TEST(Workload, NeverSetsAKeyThatIsBeingSet) {
  Bench bench{{.kind = Kind::set}, 1, keys - 1};
  std::set<KeyIndex> seen;
  for (const auto& asked : bench.next(keys - 1).keys) seen.insert(asked.key);
  EXPECT_EQ(seen.size(), keys - 1);
}

TEST(Workload, MixesAsTheRatioSays) {
  Bench bench{{.kind = Kind::mix, .reads = 3, .sets = 1}};
  int sets = 0;
  for (int number = 0; number < 10'000; ++number) {
    const auto batch = bench.next(1);
    if (!batch.requests.front().sets) continue;
    ++sets;
    bench.ledger.end_set(batch.keys.front().key, true);
  }
  EXPECT_NEAR(sets, 2'500, 200);
}

TEST(Workload, IsTheSameForOneSeed) {
  Bench first{{.kind = Kind::get}, 5};
  Bench second{{.kind = Kind::get}, 5};
  Bench other{{.kind = Kind::get}, 6};
  const auto bytes = first.next(20).bytes;
  EXPECT_EQ(second.next(20).bytes, bytes);
  EXPECT_NE(other.next(20).bytes, bytes);
}

TEST(Workload, RefusesTooFewKeys) {
  EXPECT_THROW((Bench{{.kind = Kind::set}, 1, keys}), std::invalid_argument);
  EXPECT_NO_THROW((Bench{{.kind = Kind::get}, 1, keys}));
  EXPECT_THROW((Bench{{.kind = Kind::get, .keys_per_get = keys + 1}}), std::invalid_argument);
}

TEST(Fill, WritesEachKeyOnceAndEnds) {
  Bench bench{{.kind = Kind::get}};
  Fill fill{keys, bench.writer};
  Batch batch;
  while (fill.append(TimePoint{}, batch)) continue;
  EXPECT_TRUE(fill.ended());
  EXPECT_EQ(batch.requests.size(), keys);
  for (std::uint32_t key = 0; key < keys; ++key) EXPECT_EQ(batch.keys[key].key, KeyIndex{key});
}

}  // namespace
}  // namespace flare::bench
