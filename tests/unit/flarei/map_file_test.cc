#include "flarei/map_file.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "flarei/map_xml.h"
#include "flarei/node_event.h"

namespace flare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MapFileTest : public testing::Test {
 protected:
  MapFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flare-map-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~MapFileTest() override {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return folder_ + '/' + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream{path(name)} << text; }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream{path(name)}.rdbuf();
    return out.str();
  }
  NodeMap map_of_version(std::uint64_t version) const {
    NodeMap map = *add_node(NodeMap{}, "h", 1);
    map.version = MapVersion{version};
    return map;
  }

  std::string folder_;
};

TEST_F(MapFileTest, MissingFileIsAnEmptyMapAndSaidSo) {
  const auto loaded = MapFile{folder_}.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->map, NodeMap{});
  EXPECT_THAT(loaded->remarks, ElementsAre(HasSubstr(path("flare.xml") + " does not exist")));
}

TEST_F(MapFileTest, SavedMapIsLoadedBack) {
  MapFile file{folder_};
  ASSERT_TRUE(file.save(map_of_version(7)));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->map, map_of_version(7));
  EXPECT_THAT(loaded->remarks, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(path("flare.xml.tmp")));
}

TEST_F(MapFileTest, ThreePreviousMapsStay) {
  MapFile file{folder_};
  for (std::uint64_t version = 1; version <= 6; ++version) ASSERT_TRUE(file.save(map_of_version(version)));
  EXPECT_EQ(read("flare.xml"), map_to_xml(map_of_version(6)));
  EXPECT_EQ(read("flare.xml.1"), map_to_xml(map_of_version(5)));
  EXPECT_EQ(read("flare.xml.2"), map_to_xml(map_of_version(4)));
  EXPECT_EQ(read("flare.xml.3"), map_to_xml(map_of_version(3)));
  EXPECT_FALSE(std::filesystem::exists(path("flare.xml.4")));
}

TEST_F(MapFileTest, EmptyFileIsAStartError) {
  write("flare.xml", "");
  const auto loaded = MapFile{folder_}.load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text, HasSubstr(path("flare.xml")));
  EXPECT_THAT(loaded.error().text, HasSubstr("no XML"));
}

TEST_F(MapFileTest, BrokenFileIsAStartErrorThatNamesFileAndReason) {
  write("flare.xml", map_to_xml(map_of_version(1)).substr(0, 300));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text, HasSubstr(path("flare.xml") + " holds no node map"));
}

TEST_F(MapFileTest, UnreadableFileIsAStartError) {
  std::filesystem::create_directory(path("flare.xml"));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text, HasSubstr(path("flare.xml")));
}

// docs/spec/cluster.md 4.6: an original killed between unlink and rename.
TEST_F(MapFileTest, WholeTemporaryFileAloneIsTaken) {
  write("flare.xml.tmp", map_to_xml(map_of_version(9)));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->map.version, MapVersion{9});
  EXPECT_THAT(loaded->remarks, ElementsAre(HasSubstr("taking the map of " + path("flare.xml.tmp"))));
}

TEST_F(MapFileTest, TornTemporaryFileIsIgnored) {
  write("flare.xml.tmp", map_to_xml(map_of_version(9)).substr(0, 300));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->map, NodeMap{});

  write("flare.xml", map_to_xml(map_of_version(8)));
  EXPECT_EQ(MapFile{folder_}.load()->map.version, MapVersion{8});
}

TEST_F(MapFileTest, MapAgainstTheRulesIsReadWithARemark) {
  NodeMap map = map_of_version(3);  // a slave without master, as the original's 4.4 trap leaves it
  auto& node = map.nodes.begin()->second;
  node.role = Role::slave;
  node.state = State::prepare;
  node.partition = PartitionId{0};
  write("flare.xml", map_to_xml(map));
  const auto loaded = MapFile{folder_}.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_THAT(loaded->remarks, ElementsAre(HasSubstr("doubtful")));
}

// A flipped digit is a map as good as any to a reader of XML.
TEST_F(MapFileTest, EveryFlippedBitIsRefusedOrChangesNothing) {
  auto map = map_of_version(7);
  map.reigns[PartitionId{0}] = {Epoch{7}, {map.nodes.begin()->first}};
  MapFile file{folder_};
  file.set_cluster(std::string(32, 'a'));
  ASSERT_TRUE(file.save(map));
  const auto whole = read("flare.xml");
  const auto loaded = file.load();
  ASSERT_TRUE(loaded) << loaded.error().text;
  const auto line = whole.find("<!-- flare ");
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= 0x01;
    write("flare.xml", damaged);
    const auto again = file.load();
    if (!again) {
      ++refused;
      continue;
    }
    // What names the line or the sum makes it a file without one, as an original leaves it.
    EXPECT_TRUE(again->map.nodes == loaded->map.nodes && again->map.version == loaded->map.version) << at;
    EXPECT_GE(at, line) << damaged.substr(at > 20 ? at - 20 : 0, 40);
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 40);
}

TEST_F(MapFileTest, WithoutItsSumAnEditedFileIsTaken) {
  MapFile file{folder_};
  file.set_cluster(std::string(32, 'a'));
  ASSERT_TRUE(file.save(map_of_version(7)));
  auto xml = read("flare.xml");
  xml.replace(xml.find("<version>7<"), 11, "<version>8<");
  write("flare.xml", xml);
  const auto refused = file.load();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text, HasSubstr(path("flare.xml") + " does not match the sum in its last line"));
  EXPECT_THAT(refused.error().text, HasSubstr("flare.xml.1"));

  write("flare.xml", xml.erase(xml.find(" sum="), 13));
  const auto taken = file.load();
  ASSERT_TRUE(taken) << taken.error().text;
  EXPECT_EQ(taken->map.version, MapVersion{8});
  EXPECT_EQ(taken->cluster, std::string(32, 'a'));
}

TEST_F(MapFileTest, FailedSaveLeavesTheOldFile) {
  MapFile file{folder_};
  ASSERT_TRUE(file.save(map_of_version(1)));
  std::filesystem::create_directory(path("flare.xml.tmp"));  // no file can be made there
  const auto saved = file.save(map_of_version(2));
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().text, HasSubstr("cannot create " + path("flare.xml.tmp")));
  EXPECT_EQ(read("flare.xml"), map_to_xml(map_of_version(1)));
}

}  // namespace
}  // namespace flare
