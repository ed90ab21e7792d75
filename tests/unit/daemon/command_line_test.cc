#include "common/daemon/command_line.h"

#include <gtest/gtest.h>

#include <ostream>

#include "support/temp_dir.h"

namespace flare {

void PrintTo(const GivenOption& option, std::ostream* out) {
  *out << option.name << "='" << option.value << "' line " << option.line;
}

namespace {

using Words = std::vector<std::string>;
using Given = std::vector<GivenOption>;

const std::vector<OptionName>& names() {
  using enum OptionKind;
  static const std::vector<OptionName> rows = {
      {"config", "f", value, OptionPlace::command_line, "config file", ""},
      {"stderr", "s", flag, OptionPlace::command_line, "log to stderr", ""},
      {"version", "v", flag, OptionPlace::command_line, "print the version", ""},
      {"help", "h", flag, OptionPlace::command_line, "print this text", ""},
      {"server-name", "", value, OptionPlace::both, "name", ""},
      {"server-port", "", value, OptionPlace::both, "port", "12120"},
      {"storage-large", "", flag, OptionPlace::both, "offsets", "false"},
      {"cluster-replication", "", boolean, OptionPlace::both, "switch", "false"},
      {"cluster-replication-mode", "", value, OptionPlace::both, "mode", "duplicate"},
  };
  return rows;
}

Result<GivenOptions, StartFailure> read(const Words& words) { return read_options("flarex", names(), words); }

struct Taken {
  Words words;
  Given given;
};

class TakenCommandLines : public testing::TestWithParam<Taken> {};

TEST_P(TakenCommandLines, GiveNamesAndTexts) {
  const auto given = read(GetParam().words);
  ASSERT_TRUE(given) << given.error().text;
  EXPECT_EQ(given->command_line, GetParam().given);
}

INSTANTIATE_TEST_SUITE_P(Daemons_1_1, TakenCommandLines,
                         testing::Values(Taken{{}, {}}, Taken{{"--server-name", "a"}, {{"server-name", "a"}}},
                                         Taken{{"--server-name=a"}, {{"server-name", "a"}}},
                                         Taken{{"--server-name="}, {{"server-name", ""}}},
                                         Taken{{"--server-name=-a"}, {{"server-name", "-a"}}},
                                         Taken{{"--server-name=a=b"}, {{"server-name", "a=b"}}},
                                         Taken{{"--server-name", "[a,b]"}, {{"server-name", "[a,b]"}}},
                                         Taken{{"--server-n", "a"}, {{"server-name", "a"}}},
                                         Taken{{"--server-p=1"}, {{"server-port", "1"}}},
                                         Taken{{"-s"}, {{"stderr", "true"}}}, Taken{{"--std"}, {{"stderr", "true"}}},
                                         Taken{{"--storage-large=false"}, {{"storage-large", "false"}}},
                                         Taken{{"--storage-large="}, {{"storage-large", "true"}}},
                                         Taken{{"--cluster-replication", "no"}, {{"cluster-replication", "no"}}},
                                         Taken{{"--storage-large", "--server-name", "a"},
                                               {{"server-name", "a"}, {"storage-large", "true"}}}));

struct Refused {
  Words words;
  std::string part;
};

class RefusedCommandLines : public testing::TestWithParam<Refused> {};

TEST_P(RefusedCommandLines, EndWith64AndNameTheOption) {
  const auto given = read(GetParam().words);
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().exit_code, ExitCode::usage);
  EXPECT_TRUE(given.error().text.starts_with("flarex: ")) << given.error().text;
  EXPECT_NE(given.error().text.find(GetParam().part), std::string::npos) << given.error().text;
}

INSTANTIATE_TEST_SUITE_P(
    Daemons_1_1, RefusedCommandLines,
    testing::Values(Refused{{"word"}, "unexpected word 'word'"}, Refused{{"--"}, "unexpected word '--'"},
                    Refused{{"-"}, "unexpected word '-'"}, Refused{{""}, "unexpected word ''"},
                    Refused{{"--unknown=1"}, "option '--unknown': unknown"}, Refused{{"-x"}, "option '-x': unknown"},
                    Refused{{"--Server-name=a"}, "unknown"}, Refused{{"--server_name=a"}, "unknown"},
                    Refused{{"--server=a"}, "ambiguous, one of --server-name, --server-port"},
                    Refused{{"--cluster-repl=1"}, "--cluster-replication, --cluster-replication-mode"},
                    Refused{{"--server-name"}, "option 'server-name': its value is missing"},
                    Refused{{"-f"}, "option 'config': its value is missing"},
                    Refused{{"--server-name", "-a"}, "write --server-name=-a"},
                    Refused{{"--server-name", "a", "--server-name", "a"}, "option 'server-name': given twice"},
                    Refused{{"--server-name=a", "--server-na=b"}, "option 'server-name': given twice"},
                    Refused{{"-s", "--stderr"}, "option 'stderr': given twice"},
                    Refused{{"--storage-large", "false"}, "unexpected word 'false'"},
                    Refused{{"--bad\x1b[31m"}, "bad\\x1b[31m"}));

TEST(Help, IsForStdoutAndNamesEveryOption) {
  for (const auto& words : {Words{"-h"}, Words{"--help"}, Words{"-v", "-h"}, Words{"--help", "-f", "/no/such/file"}}) {
    const auto given = read(words);
    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().exit_code, ExitCode::ok);
    for (const auto& row : names()) EXPECT_NE(given.error().text.find("--" + row.name), std::string::npos) << row.name;
  }
}

TEST(Version, IsOneLine) {
  for (const auto& words : {Words{"-v"}, Words{"--version"}, Words{"-sv"}}) {
    EXPECT_EQ(read(words).error(), (StartFailure{ExitCode::ok, "flare 2.0.0"}));
  }
}

class WithFile : public testing::Test {
 protected:
  Result<GivenOptions, StartFailure> read_file(const std::string& text, Words more = {}) {
    test::write_file(path, text);
    more.insert(more.begin(), {"-f", path});
    return read(more);
  }
  std::string refusal(const std::string& text) {
    const auto given = read_file(text);
    if (given) return "taken";
    EXPECT_EQ(given.error().exit_code, ExitCode::configuration);
    return given.error().text;
  }
  test::TempDir folder;
  std::string path = folder / "x.conf";
};

TEST_F(WithFile, TextsKeepTheirLines) {
  const auto given = read_file("# comment\nserver-port = 5\nstorage-large = {}\nserver-name =\n", {"--server-port=6"});
  ASSERT_TRUE(given) << given.error().text;
  EXPECT_EQ(given->file, (Given{{"server-port", "5", 2}, {"storage-large", "{}", 3}, {"server-name", "", 4}}));
  EXPECT_EQ(given->command_line, (Given{{"config", path}, {"server-port", "6"}}));
}

TEST_F(WithFile, ShortFormsMayBeGluedAndJoined) {
  test::write_file(path, "server-port = 5\n");
  const auto given = read({"-sf" + path});
  ASSERT_TRUE(given) << given.error().text;
  EXPECT_EQ(given->file.size(), 1u);
}

TEST_F(WithFile, WhatIsWrongIsNamedWithFileAndLine) {
  EXPECT_EQ(refusal("\nunknown = 1\n"), "flarex: " + path + ":2: option 'unknown': unknown");
  EXPECT_EQ(refusal("server-n = 1\n"), "flarex: " + path + ":1: option 'server-n': unknown");
  EXPECT_EQ(refusal("config = x\n"), "flarex: " + path + ":1: option 'config': is for the command line only");
  EXPECT_EQ(refusal("stderr = 1\n"), "flarex: " + path + ":1: option 'stderr': is for the command line only");
  EXPECT_EQ(refusal("server-port\n"), "flarex: " + path + ":1: 'server-port' is not of the form 'name = value'");
  EXPECT_EQ(refusal("server-port = 1\n\nserver-port = 1\n"),
            "flarex: " + path + ":3: option 'server-port': given twice, first in line 1; remove one of them");
}

TEST_F(WithFile, MissingFilesAndDirectoriesAreNamed) {
  const auto missing = read({"-f", "/no/such/file"});
  EXPECT_EQ(missing.error(),
            (StartFailure{ExitCode::configuration, "flarex: /no/such/file: config file: No such file or directory"}));
  const auto directory = read({"-f", folder.path()});
  EXPECT_EQ(directory.error().exit_code, ExitCode::configuration);
  EXPECT_NE(directory.error().text.find("is a directory"), std::string::npos);
  EXPECT_EQ(read({"--config="}).error().exit_code, ExitCode::configuration);
}

TEST(Messages, NameOptionValueFileAndLine) {
  EXPECT_EQ(option_message("flared", "/etc/flared.conf", {"server-port", "x\n", 7}, "must be a number"),
            "flared: /etc/flared.conf:7: option 'server-port': value 'x\\x0a': must be a number");
  EXPECT_EQ(option_message("flared", "/etc/flared.conf", {"server-port", "x", 0}, "must be a number"),
            "flared: command line: option 'server-port': value 'x': must be a number");
}

}  // namespace
}  // namespace flare
