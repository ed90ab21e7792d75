// docs/design.md 4: the comment line of flare.xml, and from where a flarei has its cluster id.
#include "flarei/cluster_recovery.h"

#include <gtest/gtest.h>

#include "flarei/index_facts.h"
#include "flarei/map_xml.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

const std::string cluster_x(32, 'a');
const std::string cluster_y(32, 'b');

NodeMap map_with_reigns() {
  auto map =
      map_of({{1, master, active, 0, 1}, {2, slave, active, 0, 1}, {3, slave, active, 0, 1}, {4, master, down, 1, 1}});
  map.reigns[PartitionId{0}] = {Epoch{7}, {key(1), key(3)}};
  map.reigns[PartitionId{1}] = {Epoch{9}, {}};
  return map;
}

TEST(FactsLine, BehindAMapIsReadBackAndDoesNotDisturbIt) {
  const auto map = map_with_reigns();
  const auto xml = map_to_xml(map) + facts_line(cluster_x, map);
  EXPECT_EQ(facts_of_xml(xml, map), (IndexFacts{cluster_x, MapVersion{10}, map.reigns}));
  auto read = map_from_xml(xml);
  ASSERT_TRUE(read) << read.error().text;
  read->reigns = map.reigns;
  EXPECT_EQ(*read, map);
}

TEST(FactsLine, OfAnotherMapVersionTellsNoEpochs) {
  const auto map = map_with_reigns();
  const auto xml = map_to_xml(map) + facts_line(cluster_x, map);
  auto changed = map;
  changed.version = MapVersion{11};  // an original has changed it, and kept the line
  EXPECT_EQ(facts_of_xml(xml, changed), (IndexFacts{cluster_x, MapVersion{10}, {}}));
}

class BrokenReign : public testing::TestWithParam<const char*> {};

TEST_P(BrokenReign, MakesTheLineUnreadable) {
  const auto map = map_with_reigns();
  const auto line = "<!-- flare cluster=" + cluster_x + " map-version=10 " + GetParam() + " -->\n";
  EXPECT_FALSE(facts_of_xml(map_to_xml(map) + line, map));
}

INSTANTIATE_TEST_SUITE_P(DesignDoc4, BrokenReign,
                         testing::Values("reign=", "reign=0", "reign=x:7:16", "reign=0:-1:16", "reign=0:7:99",
                                         "reign=0:7:a", "reign=0:7:16 reign=0:8:16"));

TEST(FactsLine, MayBeMissingBrokenOrOfALaterVersion) {
  const auto map = map_to_xml(NodeMap{});
  const auto facts_of = [](const std::string& xml) { return facts_of_xml(xml, NodeMap{}); };
  EXPECT_FALSE(facts_of(map));
  EXPECT_FALSE(facts_of(""));
  EXPECT_FALSE(facts_of(map + "<!-- a note of the operator -->\n"));
  EXPECT_FALSE(facts_of(map + "<!-- flare cluster=xyz map-version=1 -->\n"));
  EXPECT_FALSE(facts_of(map + "<!-- flare cluster=" + cluster_x + " map-version=1x -->\n"));
  EXPECT_FALSE(facts_of(map + "<!-- flare cluster=" + cluster_x));
  const auto later = facts_of(map + "<!-- flare cluster=" + cluster_x + " map-version=3 in-sync=0:h -->\n");
  EXPECT_EQ(later, (IndexFacts{cluster_x, MapVersion{3}, {}}));
}

struct Start {
  const char* name;
  std::string kept;
  std::string of_map_file;
  bool map_is_empty;
  ClusterIdSource::Kind kind;
  std::string cluster;
};
class ClusterIdAtStart : public testing::TestWithParam<Start> {};

TEST_P(ClusterIdAtStart, ComesFrom) {
  const auto& start = GetParam();
  const auto source = cluster_id_source(start.kept, start.of_map_file, start.map_is_empty);
  EXPECT_EQ(source.kind, start.kind);
  EXPECT_EQ(source.cluster, start.cluster);
}

using Kind = ClusterIdSource::Kind;
INSTANTIATE_TEST_SUITE_P(Design_4, ClusterIdAtStart,
                         testing::Values(Start{"FirstStart", "", "", true, Kind::drawn, ""},
                                         Start{"Restart", cluster_x, cluster_x, false, Kind::known, cluster_x},
                                         Start{"AfterAnOriginal", cluster_x, "", false, Kind::known, cluster_x},
                                         Start{"MapFromABackup", "", cluster_x, false, Kind::known, cluster_x},
                                         Start{"Rescue", "", "", false, Kind::of_nodes, ""},
                                         Start{"KilledWhileAdopting", cluster_x, cluster_y, true, Kind::known,
                                               cluster_x},
                                         Start{"AnothersMap", cluster_x, cluster_y, false, Kind::conflict, ""}),
                         [](const auto& tested) { return tested.param.name; });

NodeWord word(NodeWord::Kind kind, std::string cluster = {}) {
  return {NodeKey{"h:1"}, kind, std::move(cluster), kind == NodeWord::Kind::foreign ? "foreign: h:1" : ""};
}

struct Words {
  const char* name;
  std::vector<NodeWord> words;
  Recovered::Kind kind;
  std::string cluster;
};
class WordsOfNodes : public testing::TestWithParam<Words> {};

TEST_P(WordsOfNodes, MeanTogether) {
  const auto recovered = conclude(GetParam().words);
  EXPECT_EQ(recovered.kind, GetParam().kind);
  EXPECT_EQ(recovered.cluster, GetParam().cluster);
  EXPECT_EQ(recovered.kind == Recovered::Kind::disagree, !recovered.text.empty());
}

using enum NodeWord::Kind;
INSTANTIATE_TEST_SUITE_P(
    Design_4, WordsOfNodes,
    testing::Values(
        Words{"AllTheSame", {word(with_id, cluster_x), word(with_id, cluster_x)}, Recovered::Kind::cluster, cluster_x},
        Words{"SomeSilent", {word(silent), word(with_id, cluster_x)}, Recovered::Kind::cluster, cluster_x},
        Words{"Two", {word(with_id, cluster_x), word(with_id, cluster_y)}, Recovered::Kind::disagree, ""},
        Words{"AnotherTenant", {word(with_id, cluster_x), word(foreign)}, Recovered::Kind::disagree, ""},
        Words{"Originals", {word(without_id), word(without_id)}, Recovered::Kind::new_one, ""},
        Words{"OriginalsAndSilence", {word(without_id), word(silent)}, Recovered::Kind::unknown, ""},
        Words{"Silence", {word(silent)}, Recovered::Kind::unknown, ""}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace flare::test
