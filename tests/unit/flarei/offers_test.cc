// docs/operations.md, a lost flare.xml: what nodes offer, and what is made of it.
#include "flarei/offers.h"

#include <gmock/gmock.h>

#include "common/cluster/node_map_text.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

using testing::IsEmpty;

NodeMap offered(std::uint64_t version,
                std::vector<Entry> entries = {{1, master, active, 0, 1}, {2, slave, active, 0, 1}}) {
  auto map = map_of(entries);
  map.version = MapVersion{version};
  return map;
}

TEST(Offers, AreShownByVersionWithWhoMakesThem) {
  Offers offers;
  ASSERT_TRUE(offers.take(offered(8), key(1)));
  ASSERT_TRUE(offers.take(offered(8), key(2)));
  ASSERT_TRUE(offers.take(offered(7), key(1)));
  EXPECT_EQ(offers.stats(),
            "STAT 7:nodes 2\r\nSTAT 7:offered_by n:1\r\nSTAT 8:nodes 2\r\nSTAT 8:offered_by n:1,n:2\r\nEND\r\n");
  EXPECT_EQ(offers.find(MapVersion{8})->map.version, MapVersion{8});
  EXPECT_EQ(offers.find(MapVersion{9}), nullptr);
}

TEST(Offers, AreNotTakenIfTheyCannotBeTheNodesMap) {
  Offers offers;
  EXPECT_FALSE(offers.take(offered(8), key(3))) << "it is not in its own map";
  EXPECT_FALSE(offers.take(offered(8, {{1, slave, active, 0, 1}}), key(1))) << "no map of ours: a slave alone";
  ASSERT_TRUE(offers.take(offered(8), key(1)));
  EXPECT_FALSE(offers.take(offered(8, {{2, master, active, 0, 1}}), key(2))) << "another map of this version";
  EXPECT_EQ(offers.stats(), "STAT 8:nodes 2\r\nSTAT 8:offered_by n:1\r\nEND\r\n");
}

TEST(Offers, OfAnotherClusterOfTheTenantSayWhichItIs) {
  const std::string old_one(32, 'a');
  Offers offers;
  ASSERT_TRUE(offers.take(offered(8), key(1), old_one));
  ASSERT_TRUE(offers.take(offered(8), key(2), old_one));
  EXPECT_FALSE(offers.take(offered(8), key(2), std::string(32, 'b'))) << "one version of two clusters";
  EXPECT_FALSE(offers.take(offered(8), key(2))) << "of this one's own";
  EXPECT_EQ(offers.stats(), "STAT 8:nodes 2\r\nSTAT 8:offered_by n:1,n:2\r\nSTAT 8:cluster " + old_one + "\r\nEND\r\n");
  EXPECT_EQ(offers.find(MapVersion{8})->cluster, old_one);
}

TEST(Offers, AreBoundedAndRememberTheHighestVersion) {
  Offers offers;
  for (std::uint64_t version = 1; version <= 20; ++version) ASSERT_TRUE(offers.take(offered(version), key(1)));
  EXPECT_EQ(offers.find(MapVersion{12}), nullptr);
  EXPECT_NE(offers.find(MapVersion{13}), nullptr);
  EXPECT_EQ(offers.highest(), MapVersion{20});
}

TEST(AdoptedMap, GoesOnAboveTheHighestVersionAndHasAllReigns) {
  const auto map = adopted_map(offered(8), MapVersion{20});
  EXPECT_EQ(map.version, MapVersion{21});
  EXPECT_THAT(map.reigns.at(PartitionId{0}).in_sync, testing::ElementsAre(key(1), key(2)));
  EXPECT_THAT(violations(map), IsEmpty());
}

TEST(OfferReader, ReadsWhatANodeWouldSend) {
  auto map = offered(8);
  map.reigns[PartitionId{0}] = {Epoch{6}, {key(1)}};
  map.next_thread_type = ThreadType{18};
  OfferReader reader{MapVersion{8}, key(1)};
  const auto text = node_lines_with_reigns(map);
  std::string_view lines = text;
  auto step = OfferReader::Step::more;
  while (!lines.empty() && step == OfferReader::Step::more) {
    step = reader.take(lines.substr(0, lines.find('\r')));
    lines.remove_prefix(lines.find('\n') + 1);
  }
  EXPECT_EQ(step, OfferReader::Step::whole);
  EXPECT_EQ(reader.take_map(), map);
}

TEST(OfferReader, StopsAtABadLineATwiceNamedNodeAndTooMany) {
  EXPECT_EQ((OfferReader{MapVersion{8}, key(1)}.take("NODE n 1")), OfferReader::Step::broken);
  OfferReader twice{MapVersion{8}, key(1)};
  EXPECT_EQ(twice.take("NODE n 1 0 0 0 1 16"), OfferReader::Step::more);
  EXPECT_EQ(twice.take("NODE n 1 0 0 0 1 17"), OfferReader::Step::broken);
}

}  // namespace
}  // namespace flare::test
