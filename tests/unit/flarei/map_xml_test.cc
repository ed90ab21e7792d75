#include "flarei/map_xml.h"

#include <gmock/gmock.h>

#include <string>

namespace flare {
namespace {

using testing::HasSubstr;

// docs/spec/cluster.md 4.6.1, byte for byte.
constexpr const char* example = R"(<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!DOCTYPE boost_serialization>
<boost_serialization signature="serialization::archive" version="18">
<version>1</version>
<node_map class_id="0" tracking_level="0" version="0">
	<count>1</count>
	<item_version>0</item_version>
	<item class_id="1" tracking_level="0" version="0">
		<first>127.0.0.1:12121</first>
		<second class_id="2" tracking_level="0" version="0">
			<node_server_name>127.0.0.1</node_server_name>
			<node_server_port>12121</node_server_port>
			<node_role>2</node_role>
			<node_state>0</node_state>
			<node_partition>-1</node_partition>
			<node_balance>0</node_balance>
			<node_thread_type>16</node_thread_type>
		</second>
	</item>
</node_map>
<thread_type>17</thread_type>
</boost_serialization>
)";

NodeMap example_map() {
  NodeMap map;
  map.version = MapVersion{1};
  const Node node{"127.0.0.1", 12121, Role::proxy, State::active, no_partition, 0, ThreadType{16}};
  map.nodes.emplace(node.key(), node);
  map.next_thread_type = ThreadType{17};
  return map;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(MapXml, IsWrittenAsTheOriginalDoes) { EXPECT_EQ(map_to_xml(example_map()), example); }

TEST(MapXml, IsReadAsTheOriginalWroteIt) {
  const auto map = map_from_xml(example);
  ASSERT_TRUE(map) << map.error().text;
  EXPECT_EQ(*map, example_map());
}

TEST(MapXml, SurvivesTheRoundTrip) {
  NodeMap map = example_map();
  map.version = MapVersion{~std::uint64_t{0}};
  const Node master{"a&<b>'\"", 1, Role::master, State::down, PartitionId{3}, 7, ThreadType{40}};
  const Node slave{"h", 65535, Role::slave, State::ready, PartitionId{0}, 2147483647, ThreadType{39}};
  for (const auto& node : {master, slave}) map.nodes.emplace(node.key(), node);
  map.next_thread_type = ThreadType{41};
  const auto xml = map_to_xml(map);
  const auto read = map_from_xml(xml);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, map);
  EXPECT_EQ(map_to_xml(*read), xml);
  // Only the first item carries class attributes.
  EXPECT_EQ(xml.find("class_id=\"1\""), xml.rfind("class_id=\"1\""));
  EXPECT_EQ(xml.find("class_id=\"2\""), xml.rfind("class_id=\"2\""));
}

TEST(MapXml, MayBeEmpty) {
  const auto map = map_from_xml(map_to_xml(NodeMap{}));
  ASSERT_TRUE(map) << map.error().text;
  EXPECT_EQ(*map, NodeMap{});
}

TEST(MapXml, MayEndWithACommentLine) {
  const auto map = map_from_xml(std::string{example} + "<!-- flare: cluster=1 -->\n");
  ASSERT_TRUE(map) << map.error().text;
  EXPECT_EQ(*map, example_map());
}

TEST(MapXml, WithoutVersionIsOfVersionZero) {
  const auto map = map_from_xml(replaced(example, "<version>1</version>\n", ""));
  ASSERT_TRUE(map) << map.error().text;
  EXPECT_EQ(map->version, MapVersion{0});
}

TEST(MapXml, OfAnotherArchiveVersionIsRead) {
  EXPECT_TRUE(map_from_xml(replaced(example, "archive\" version=\"18\"", "archive\" version=\"4\"")));
}

struct Damage {
  const char* name;
  const char* what;
  const char* with;
  const char* reason;
};

class DamagedXml : public testing::TestWithParam<Damage> {};

TEST_P(DamagedXml, IsRefusedWithItsReason) {
  const auto& damage = GetParam();
  const auto map = map_from_xml(replaced(example, damage.what, damage.with));
  ASSERT_FALSE(map);
  EXPECT_THAT(map.error().text, HasSubstr(damage.reason));
}

INSTANTIATE_TEST_SUITE_P(
    Cluster_4_6, DamagedXml,
    testing::Values(
        Damage{"NoEnd", "</boost_serialization>", "", "no XML"},
        Damage{"OtherSignature", "serialization::archive", "something", "signature"},
        Damage{"NoMap", "<node_map class_id=\"0\" tracking_level=\"0\" version=\"0\">", "<node_map><x>", "no XML"},
        Damage{"Version", "<version>1<", "<version>-1<", "<version>"},
        Damage{"Count", "<count>1<", "<count>2<", "<count> says 2"},
        Damage{"Key", "<first>127.0.0.1:12121<", "<first>127.0.0.1:12122<", "under the key '127.0.0.1:12122'"},
        Damage{"Role", "<node_role>2<", "<node_role>3<", "<node_role>"},
        Damage{"State", "<node_state>0<", "<node_state>active<", "'active'"},
        Damage{"Partition", "<node_partition>-1<", "<node_partition><", "<node_partition>"},
        Damage{"Balance", "<node_balance>0<", "<node_balance>-1<", "<node_balance>"},
        Damage{"LowThreadType", "<node_thread_type>16<", "<node_thread_type>15<", "<node_thread_type>"},
        Damage{"ThreadTypeNotBelowTheNext", "<node_thread_type>16<", "<node_thread_type>17<", "not below"},
        Damage{"NoThreadType", "<thread_type>17</thread_type>", "", "<thread_type>"}),
    [](const auto& each) { return each.param.name; });

TEST(DamagedXml, IsRefusedAtAnyLength) {
  const std::string whole = example;
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    EXPECT_FALSE(map_from_xml(std::string_view{whole}.substr(0, length))) << length;
  }
}

}  // namespace
}  // namespace flare
