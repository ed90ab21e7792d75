#include "common/base/config_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <ostream>

namespace flare {

void PrintTo(const ConfigEntry& entry, std::ostream* out) {
  *out << entry.line << ": '" << entry.name << "' = '" << entry.value << "'";
}

namespace {

using Entries = std::vector<ConfigEntry>;

struct Taken {
  std::string text;
  Entries entries;
};

class TakenLines : public testing::TestWithParam<Taken> {};

TEST_P(TakenLines, AreReadAsTheOriginalDoes) {
  const auto entries = parse_config_text(GetParam().text);
  ASSERT_TRUE(entries) << entries.error().reason;
  EXPECT_EQ(*entries, GetParam().entries);
}

INSTANTIATE_TEST_SUITE_P(
    Daemons_1_4, TakenLines,
    testing::Values(Taken{"", {}}, Taken{"\n\n  \t\n", {}}, Taken{"# only a comment", {}}, Taken{"   # indented\n", {}},
                    Taken{"name = value", {{"name", "value", 1}}}, Taken{"name=value\n", {{"name", "value", 1}}},
                    Taken{" \tname\t =  value \t\n", {{"name", "value", 1}}},
                    Taken{"a = 1\r\nb = 2\r\n", {{"a", "1", 1}, {"b", "2", 2}}},
                    Taken{"\n# x\na = 7#x\n", {{"a", "7", 3}}}, Taken{"a = #all comment", {{"a", "", 1}}},
                    Taken{"a = \"quoted\"", {{"a", "\"quoted\"", 1}}}, Taken{"a =", {{"a", "", 1}}},
                    Taken{"a = b = c", {{"a", "b = c", 1}}}, Taken{"Data-Dir = /x", {{"Data-Dir", "/x", 1}}},
                    Taken{"a = two words", {{"a", "two words", 1}}}, Taken{"a_b = 1", {{"a_b", "1", 1}}}));

struct Refused {
  std::string text;
  int line;
  std::string reason;
};

class RefusedLines : public testing::TestWithParam<Refused> {};

TEST_P(RefusedLines, AreNamedWithTheirReason) {
  const auto entries = parse_config_text(GetParam().text);
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().line, GetParam().line);
  EXPECT_NE(entries.error().reason.find(GetParam().reason), std::string::npos) << entries.error().reason;
}

INSTANTIATE_TEST_SUITE_P(
    Daemons_1_4, RefusedLines,
    testing::Values(Refused{"daemonize", 1, "'daemonize' is not of the form"}, Refused{"a = 1\n; b", 2, "'; b'"},
                    Refused{"\n\n= 5", 3, "name is missing"}, Refused{"[tenant]\na = 1", 1, "sections"},
                    Refused{"a = 1\nb = 2\na = 1\n", 3, "option 'a': given twice, first in line 1"},
                    Refused{std::string("a = x\0y", 7), 1, "NUL"}, Refused{"evil\x1b[31m", 1, "evil\\x1b[31m"}));

class ConfigFiles : public testing::Test {
 protected:
  ConfigFiles() {
    auto pattern = (std::filesystem::temp_directory_path() / "flare-config-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~ConfigFiles() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

TEST_F(ConfigFiles, AreReadWhole) {
  std::ofstream(folder / "a.conf") << "a = 1\n";
  const auto text = read_config_file(folder / "a.conf");
  ASSERT_TRUE(text) << text.error().reason;
  EXPECT_EQ(*text, "a = 1\n");
}

TEST_F(ConfigFiles, MustBeFilesOfReasonableSize) {
  std::ofstream(folder / "big.conf") << std::string(config_bytes_max + 1, '#');
  EXPECT_NE(read_config_file(folder).error().reason.find("directory"), std::string::npos);
  EXPECT_EQ(read_config_file(folder / "none.conf").error().reason, "No such file or directory");
  EXPECT_NE(read_config_file(folder / "big.conf").error().reason.find("larger"), std::string::npos);
  EXPECT_NE(read_config_file("/dev/null").error().reason.find("regular"), std::string::npos);
}

}  // namespace
}  // namespace flare
