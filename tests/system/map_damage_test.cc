// Issue 6.6: a flarei whose flare.xml is damaged does not start, says so once, overwrites nothing and names the way
// out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using std::filesystem::path;
using testing::HasSubstr;

constexpr int exit_io = 74;

std::string keep_half(std::string xml) { return xml.substr(0, xml.size() / 2); }
// A kill of something else in the middle of its end tag.
std::string cut_the_end(std::string xml) { return xml.substr(0, xml.find("</boost_serialization>") + 5); }
std::string flip_in_a_tag(std::string xml) {
  xml[xml.find("<node_map") + 2] ^= 0x10;
  return xml;
}
std::string flip_a_number(std::string xml) {
  xml[xml.find("<node_server_port>") + 18] ^= 0x40;
  return xml;
}
// Still a map to any reader of XML: another port.
std::string flip_a_digit(std::string xml) {
  xml[xml.find("<node_server_port>") + 18] ^= 0x01;
  return xml;
}
std::string flip_an_epoch(std::string xml) {
  xml[xml.find(':', xml.find("reign=0:") + 8) - 1] ^= 0x01;
  return xml;
}
std::string flip_in_the_head(std::string xml) {
  xml[xml.find("<boost_serialization") + 1] ^= 0x20;
  return xml;
}

struct MapDamage {
  const char* name;
  void (*damage)(const path& map);
};

class DamagedMap : public testing::TestWithParam<MapDamage> {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // A data-dir of a flarei that had a node, and an older map.
  void SetUp() override {
    Cluster cluster{{.folder = folder_.path(), .index = {"127.0.0.1", 12120}, .nodes = {{"127.0.0.1", 12121}}}};
    cluster.start();
    cluster.make_master(0);
    data_ = cluster.data_of(cluster.index());
    ASSERT_TRUE(cluster.index_process().stop());
    ASSERT_TRUE(std::filesystem::exists(map() += ".1"));
  }
  [[nodiscard]] path map() const { return data_ / "flare.xml"; }
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{data_}) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("flare.xml"))
        found[name] = std::filesystem::is_regular_file(entry.symlink_status()) ? read_file(entry.path()) : "no file";
    }
    return found;
  }
  [[nodiscard]] Outcome start() const {
    return run({program("flarei"), "--data-dir", data_, "--server-name", "127.0.0.1", "--stderr"});
  }

  TempDir folder_;
  path data_;
};

TEST_P(DamagedMap, RefusesTheStartOnceAndLeavesEveryGeneration) {
  GetParam().damage(map());
  const auto before = files();
  const auto outcome = start();
  EXPECT_EQ(outcome.ending.code, exit_io) << outcome.errors;
  const auto& said = outcome.errors;
  const auto sentence = said.find("flarei: ");
  EXPECT_THAT(said, HasSubstr(map().string()));
  EXPECT_THAT(said, HasSubstr("put one of " + map().string() + ".1 to .3 in its place"));
  EXPECT_EQ(said.find("in its place", said.find("in its place") + 1), std::string::npos) << "one message: " << said;
  EXPECT_NE(sentence, std::string::npos);
  EXPECT_EQ(files(), before);

  std::filesystem::remove_all(map());  // the way out
  std::filesystem::copy_file(map() += ".1", map());
  Process flarei{{.words = {program("flarei"), "--data-dir", data_, "--server-name", "127.0.0.1", "--stderr"},
                  .errors = folder_ / "again.log"}};
  EXPECT_TRUE(eventually([] {
    auto client = try_connect({"127.0.0.1", 12120});
    return client && client->ask("ping") == "OK";
  }));
}

class EditedMap : public DamagedMap {};

void edit_the_port(const path& map) {
  auto xml = read_file(map);
  for (auto at = xml.find("12121"); at != std::string::npos; at = xml.find("12121")) xml.replace(at, 5, "12123");
  write_file(map, xml);
}

// docs/spec/cluster.md 4.6: an operator may edit the file. Ours then has a word to be taken out, which the refusal
// says.
TEST_P(EditedMap, IsTakenOnceItsSumIsTakenOut) {
  GetParam().damage(map());
  EXPECT_THAT(start().errors, HasSubstr("takes the word sum=... out of that line"));
  auto edited = read_file(map());
  const auto sum = edited.find(" sum=");
  ASSERT_NE(sum, std::string::npos);
  write_file(map(), edited.erase(sum, std::string{" sum=01234567"}.size()));
  Process flarei{{.words = {program("flarei"), "--data-dir", data_, "--server-name", "127.0.0.1", "--stderr"},
                  .errors = folder_ / "again.log"}};
  EXPECT_TRUE(eventually([] {
    auto client = try_connect({"127.0.0.1", 12120});
    return client && read_map(client->ask_all("stats nodes")).contains("127.0.0.1:12123");
  })) << read_file(folder_ / "again.log");
}

INSTANTIATE_TEST_SUITE_P(Issue_6, EditedMap, testing::Values(MapDamage{"another_port", edit_the_port}));

INSTANTIATE_TEST_SUITE_P(
    Issue_6, DamagedMap,
    testing::Values(
        MapDamage{"empty", [](const path& map) { write_file(map, ""); }},
        MapDamage{"zeros", [](const path& map) { write_file(map, std::string(read_file(map).size(), '\0')); }},
        MapDamage{"half", [](const path& map) { write_file(map, keep_half(read_file(map))); }},
        MapDamage{"end_cut", [](const path& map) { write_file(map, cut_the_end(read_file(map))); }},
        MapDamage{"foreign", [](const path& map) { write_file(map, "<html><body>404</body></html>\n"); }},
        MapDamage{"flipped_tag", [](const path& map) { write_file(map, flip_in_a_tag(read_file(map))); }},
        MapDamage{"flipped_number", [](const path& map) { write_file(map, flip_a_number(read_file(map))); }},
        MapDamage{"flipped_digit", [](const path& map) { write_file(map, flip_a_digit(read_file(map))); }},
        MapDamage{"flipped_epoch", [](const path& map) { write_file(map, flip_an_epoch(read_file(map))); }},
        MapDamage{"flipped_head", [](const path& map) { write_file(map, flip_in_the_head(read_file(map))); }},
        MapDamage{"directory",
                  [](const path& map) {
                    std::filesystem::remove(map);
                    std::filesystem::create_directory(map);
                  }},
        MapDamage{"unreadable",  // for root, too
                  [](const path& map) {
                    std::filesystem::remove(map);
                    std::filesystem::create_symlink(map, map);
                  }}),
    [](const auto& tested) { return std::string{tested.param.name}; });

}  // namespace
}  // namespace flare::test
