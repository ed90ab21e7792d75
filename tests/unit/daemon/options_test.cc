#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "unit/daemon/options_support.h"

namespace flare::test {
namespace {

namespace fs = std::filesystem;

class Options : public testing::Test {
 protected:
  TempDir folder;
  std::string file = folder / "flared.conf";

  Result<FlaredOptions, StartFailure> flared(Words words) {
    return parse_with_required<FlaredOptions>(folder, std::move(words));
  }
  Result<FlareiOptions, StartFailure> flarei(Words words) {
    return parse_with_required<FlareiOptions>(folder, std::move(words));
  }
};

TEST_F(Options, OfTheCommandLineBeatTheFile) {
  write_file(file, "max-connection = 7\nback-log = 8\n");
  const auto options = flared({"-f", file, "--max-connection=9"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->max_connection, 9);
  EXPECT_EQ(options->back_log, 8);
}

TEST_F(Options, HiddenByTheCommandLineMustStillBeRight) {
  write_file(file, "max-connection = x\n");
  const auto options = flared({"-f", file, "--max-connection=9"});
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("flared.conf:1: option 'max-connection': value 'x'"), std::string::npos);
}

TEST_F(Options, NameTheRangeInTheMessage) {
  EXPECT_EQ(flared({"--server-port=0"}).error().text,
            "flared: command line: option 'server-port': value '0': must be a number from 1 to 65535");
  EXPECT_EQ(flared({"--max-value-size=2G"}).error().text,
            "flared: command line: option 'max-value-size': value '2G': must be a size from 1 to 1G (K, M, G allowed)");
}

TEST_F(Options, AreInUnits) {
  const auto node =
      flared({"--max-value-size=4K", "--net-read-timeout=-1", "--storage-large", "--index-server-port=5"});
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(node->max_value_bytes, 4096u);
  EXPECT_EQ(node->net_read_timeout, never);
  EXPECT_TRUE(node->storage_large);
  EXPECT_EQ(node->indexes, (std::vector<HostPort>{{"index", 5}}));
  const auto index = flarei({"--monitor-interval=2", "--monitor-read-timeout=300", "--partition-size=64"});
  ASSERT_TRUE(index) << index.error().text;
  EXPECT_EQ(index->monitor_interval, std::chrono::seconds(2));
  EXPECT_EQ(index->monitor_read_timeout, std::chrono::milliseconds(300));
  EXPECT_EQ(index->partition_meta(), (PartitionMeta{64, 1, 4096}));
}

TEST_F(Options, FlagsAreOffWhenTheFileSaysSo) {
  for (const auto* off : {"false", "no", "off", "0"}) {  // daemons.md 7.7
    write_file(file, "storage-large = " + std::string(off) + "\n");
    EXPECT_FALSE(flared({"-f", file})->storage_large) << off;
  }
  for (const auto* on : {"true", "yes", "on", "1", ""}) {
    write_file(file, "storage-large = " + std::string(on) + "\n");
    EXPECT_TRUE(flared({"-f", file})->storage_large) << on;
  }
}

TEST_F(Options, DataDirIsRequiredAndResolvedOnce) {
  const auto missing = parse<FlareiOptions>({});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit_code, ExitCode::configuration);
  EXPECT_NE(missing.error().text.find("option 'data-dir': is required"), std::string::npos);

  fs::create_directory(folder / "a");
  fs::create_directory_symlink(folder / "a", folder / "link");
  const auto relative = fs::relative(folder / "link", fs::current_path()).string();
  const auto options = parse<FlareiOptions>({"--data-dir", relative});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->data_dir, fs::canonical(folder / "a"));
  EXPECT_EQ(options->pid_path, options->data_dir + "/flarei.pid");
  EXPECT_EQ(options->index_directory, options->data_dir);
}

TEST_F(Options, PathsBecomeAbsolute) {
  write_file(file, "");
  const auto relative = [](const fs::path& path) { return fs::relative(path, fs::current_path()).string(); };
  const auto options =
      flared({"-f", relative(file), "-p", relative(folder / "x.pid"), "--server-socket=" + relative(folder / "s")});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(options->config_path, file);
  EXPECT_EQ(options->pid_path, folder / "x.pid");
  EXPECT_EQ(options->server_socket, folder / "s");
}

TEST_F(Options, PidFileNeedsItsFolder) {
  const auto options = flared({"--pid=/no/such/folder/x.pid"});
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("option 'pid': value '/no/such/folder/x.pid': directory"), std::string::npos);
}

TEST_F(Options, ServerNameIsTheHostsUnlessGiven) {
  EXPECT_FALSE(flared({})->server_name.empty());
  EXPECT_EQ(flared({"--server-name=192.168.12.152"})->server_name, "192.168.12.152");
}

TEST_F(Options, FlagsOfTheCommandLine) {
  const auto options = flared({"-s", "--check-config", "--daemonize"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_TRUE(options->log_to_stderr);
  EXPECT_TRUE(options->check_config);
  EXPECT_TRUE(options->daemonize);
}

TEST_F(Options, IndexForms) {
  const auto data_dir = "--data-dir=" + folder.path().string();
  EXPECT_EQ(parse<FlaredOptions>({data_dir, "--index-servers=a:1,b:2"})->indexes,
            (std::vector<HostPort>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(parse<FlaredOptions>({data_dir, "--index-server-name=a"})->indexes, (std::vector<HostPort>{{"a", 12120}}));
  const auto none = parse<FlaredOptions>({data_dir});
  EXPECT_NE(none.error().text.find("option 'index-servers': is required"), std::string::npos);

  write_file(file, "\nindex-servers = a:1\n");  // the two forms in different places
  const auto both = parse<FlaredOptions>({data_dir, "-f", file, "--index-server-name=a"});
  EXPECT_EQ(both.error().exit_code, ExitCode::configuration);
  EXPECT_NE(
      both.error().text.find("flared.conf:2: option 'index-servers': value 'a:1': index-server-name is given as well"),
      std::string::npos)
      << both.error().text;
}

TEST_F(Options, TokyoCabinetIsServedByKyotoWithOneWarning) {
  EXPECT_EQ(option_warnings(*flared({"--max-connection-memory=100M"})).size(), 1U) << "less than twice max-value-size";
  const auto warnings = option_warnings(*flared({"--storage-type=tch"}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("served by kch"), std::string::npos);
  EXPECT_NE(flared({"--storage-type=tcb"}).error().text.find("not supported"), std::string::npos);
}

TEST_F(Options, WithoutEffectAreNamedInOneWarning) {
  const auto options = flared({"--mutex-slot=32", "--storage-compress=bz2", "--storage-fp=10"});  // 10 is the default
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(option_warnings(*options),
            Words{"options accepted, but without effect in this version: storage-compress, mutex-slot"});
}

TEST_F(Options, ShownTextsAreTakenBack) {
  const auto options = flared({"--net-read-timeout=-5", "--max-value-size=1000000", "--replication-type=sync"});
  ASSERT_TRUE(options) << options.error().text;
  Words words;
  for (const auto& [name, value] : shown_options(*options)) {
    if (name != "index-servers") words.push_back("--" + name + "=" + value);
  }
  const auto again = parse<FlaredOptions>(words);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(shown_options(*again), shown_options(*options));
}

template <class OptionsType>
class Reloading : public testing::Test {
 protected:
  TempDir folder;
  std::string file = folder / "x.conf";

  OptionsType start(const std::string& text, Words words = {}) {
    write_file(file, text);
    words.insert(words.end(), {"-f", file});
    auto options = parse_with_required<OptionsType>(folder, words);
    EXPECT_TRUE(options) << options.error().text;
    return *options;
  }
  auto reload(const OptionsType& in_force, const std::string& text) {
    write_file(file, text);
    return ParserOf<OptionsType>::reread(in_force);
  }
};

using BothDaemons = testing::Types<FlareiOptions, FlaredOptions>;
TYPED_TEST_SUITE(Reloading, BothDaemons);

TYPED_TEST(Reloading, AppliesDynamicOptionsAndNamesThem) {
  const auto in_force = this->start("max-connection = 5\n");
  const auto reread = this->reload(in_force, "max-connection = 6\nlog-facility = local3\n");
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(reread->changed, (Words{"log-facility", "max-connection"}));
  EXPECT_TRUE(reread->need_restart.empty());
  EXPECT_EQ(reread->options.max_connection, 6);
  EXPECT_EQ(reread->options.log_facility, "local3");
}

TYPED_TEST(Reloading, NamesStaticOptionsAndKeepsTheirValues) {
  const auto in_force = this->start("server-port = 5\n");
  const auto reread = this->reload(in_force, "server-port = 6\ntenant = user-b\n");
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_TRUE(reread->changed.empty());
  EXPECT_EQ(reread->need_restart, (Words{"server-port", "tenant"}));
  EXPECT_EQ(reread->options.server_port, 5);
  EXPECT_EQ(reread->options.tenant, "");
}

TYPED_TEST(Reloading, KeepsThePrecedenceOfTheCommandLine) {
  const auto in_force = this->start("", {"--max-connection=5"});
  const auto reread = this->reload(in_force, "max-connection = 6\n");
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_TRUE(reread->changed.empty());
  EXPECT_EQ(reread->options.max_connection, 5);
}

TYPED_TEST(Reloading, GoesBackToTheDefaultOfAnOptionTakenOut) {
  const auto in_force = this->start("max-connection = 5\n");
  const auto reread = this->reload(in_force, "");
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(reread->options.max_connection, 10'000);
}

TYPED_TEST(Reloading, IsAllOrNothing) {
  const auto in_force = this->start("max-connection = 5\n");
  for (const auto* text :
       {"max-connection = 6\nunknown = 1\n", "max-connection = 6\nserver-port = x\n", "max-connection\n"}) {
    const auto reread = this->reload(in_force, text);
    ASSERT_FALSE(reread) << text;
    EXPECT_EQ(reread.error().exit_code, ExitCode::configuration);
    EXPECT_NE(reread.error().text.find(this->file), std::string::npos) << reread.error().text;
  }
  std::filesystem::remove(this->file);
  EXPECT_FALSE(ParserOf<TypeParam>::reread(in_force));
}

TYPED_TEST(Reloading, ChangesNothingWhenNothingChanged) {
  const auto in_force = this->start("max-connection = 5\nserver-port = 6\n");
  const auto reread = ParserOf<TypeParam>::reread(in_force);
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_TRUE(reread->changed.empty());
  EXPECT_TRUE(reread->need_restart.empty());
  EXPECT_EQ(shown_options(reread->options), shown_options(in_force));
}

using ReloadingFlared = Reloading<FlaredOptions>;

TEST_F(ReloadingFlared, TakesOtherIndexes) {
  write_file(file, "index-servers = a:1\n");
  const auto in_force = parse<FlaredOptions>({"--data-dir=" + folder.path().string(), "-f", file});
  ASSERT_TRUE(in_force) << in_force.error().text;
  const auto reread = reload(*in_force, "index-servers = b:2,c:3\n");
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(reread->changed, Words{"index-servers"});
  EXPECT_EQ(reread->options.indexes, (std::vector<HostPort>{{"b", 2}, {"c", 3}}));
}

}  // namespace
}  // namespace flare::test
