#include <gtest/gtest.h>

#include <set>

#include "unit/daemon/options_support.h"

/// Every option of docs/spec/daemons.md 1.2 and 1.3 and of ours: default, values taken, values refused.
namespace flare::test {
namespace {

struct Row {
  std::string name;
  std::string default_text;  // "*": depends on the host or on other options
  Words taken;
  Words refused;
  bool later = false;  // accepted, named in a warning when set
};

const Words not_numbers = {"", "x", "1x", "0x10", "1.5", "\"1\"", "1 0", "99999999999999999999"};
const Words flags = {"true", "false"};
const Words not_flags = {"2", "maybe"};

Words numbers_but(Words more) {
  more.insert(more.end(), not_numbers.begin(), not_numbers.end());
  return more;
}

const std::vector<Row>& common() {
  static const std::vector<Row> rows = {
      {"daemonize", "false", flags, not_flags},
      {"data-dir", "*", {"/tmp"}, {"", "/no/such/directory", "/dev/null"}},
      {"log-facility", "user", {"auth", "daemon", "local0", "local7"}, {"", "local8", "mail", "LOCAL0"}},
      {"max-connection", "10000", {"1", "1000000"}, numbers_but({"0", "-1", "1000001"})},
      {"server-name", "*", {"192.168.12.151", "h.example"}, {"", "a b", std::string(256, 'a')}},
      {"server-port", "*", {"1", "65535"}, numbers_but({"0", "-1", "65536"})},
      {"server-socket", "", {"", "/tmp/flare.sock"}, {"/no/such/directory/s", "/tmp", "/tmp/" + std::string(110, 's')}},
      {"bind-address", "", {"", "127.0.0.5", "::1"}, {"localhost", "1.2.3", "1.2.3.4:5"}},
      {"user", "", {"", "root"}, {"no-such-user-here", "a b", "a:b"}},
      {"group", "", {"", "root"}, {"no-such-group-here", "a b"}},
      {"tenant", "", {"", "user-a", "7"}, {"-a", "User", "a_b", std::string(64, 'a')}},
      {"require-identity", "false", {"true", "false"}, {"maybe"}},
      {"client-allow-from",
       "all",
       {"10.0.0.0/8, unix", "all", "none", "::1"},
       {"", "localhost", "10.0.0.1/8", "all,unix"}},
      {"cluster-allow-from", "all", {"127.0.0.1,2001:db8::/32"}, {"", "x"}},
      {"admin-allow-from", "all", {"unix"}, {"", "10.0.0.0/33"}},
      {"auth-file", "", {""}, {"/etc/flare/users"}},  // taken: see AuthFileOption; class cluster is open here
      {"tls-certificate", "", {""}, {}},              // together with the next ones: see door_options_test.cc
      {"tls-key", "", {""}, {}},
      {"tls-ca", "", {"", "/tmp/ca.pem"}, {}},
      {"cluster-tls", "false", {"false"}, {"maybe"}},
      {"proxy-protocol-from",
       "none",
       {"10.0.0.0/8, 2001:db8::1, unix", "none"},
       {"", "all", "balancer.example", "10.0.0.1/8"}},
      {"net-read-timeout", "600", {"1", "31536000", "-1"}, numbers_but({"0", "31536001"})},
      {"stack-size", "128", {"1", "512"}, numbers_but({"0", "-1"}), true},
      {"thread-pool-size", "5", {"0", "-1", "16"}, numbers_but({"-2"}), true},
  };
  return rows;
}

const std::vector<Row>& of_flarei() {
  static const std::vector<Row> rows = {
      {"monitor-threshold", "3", {"1", "1000"}, numbers_but({"0", "-1", "1001"})},
      {"monitor-interval", "5", {"1", "86400"}, numbers_but({"0", "-1", "86401"})},
      {"monitor-read-timeout", "1000", {"1", "600000"}, numbers_but({"0", "600001"})},
      {"partition-type", "modular", {"modular"}, {"", "other"}},
      {"partition-size", "1024", {"2", "65536"}, numbers_but({"1", "0", "-1", "65537"})},
      {"partition-modular-hint", "1", {"1", "64"}, numbers_but({"0", "-1"})},
      {"partition-modular-virtual", "4096", {"1", "65536"}, numbers_but({"0", "1048577"})},
      {"key-hash-algorithm", "simple", {"bitshift", "crc32", "adler32", "murmur", "jenkins"}, {"", "md5", "CRC32"}},
      {"index-db", "*", {"file:///tmp"}, {"file://tmp", "file:///no/such/dir", "mysql://x", "zookeeper://a:1/b"}},
  };
  return rows;
}

const std::vector<Row>& of_flared() {
  static const std::vector<Row> rows = {
      {"index-servers", "", {}, {"", "a", "a:0", "a:1,b", "a:1;b:2"}},  // taken: see IndexForms
      {"index-server-name", "*", {"a.example"}, {"", "a b"}},
      {"index-server-port", "12120", {"1", "65535"}, numbers_but({"0", "65536"})},
      {"threads", "*", {"1", "64"}, numbers_but({"0", "65"})},
      {"back-log", "1024", {"1", "65535"}, numbers_but({"0", "65536"})},
      {"proxy-concurrency", "2", {"1", "1024"}, numbers_but({"0", "1025"})},
      {"max-line-size", "64K", {"64K", "1M", "16M"}, numbers_but({"0", "65535", "17M", "-1"})},
      {"max-key-size", "8191", {"1", "250", "4K"}, numbers_but({"0", "8192", "8K"})},
      {"max-value-size", "64M", {"1", "1000", "4K", "1G"}, numbers_but({"0", "2G", "1T", "-1"})},
      {"max-connection-memory", "256M", {"1M", "64M", "1024G"}, numbers_but({"0", "1000", "2T", "-1"})},
      {"net-write-timeout", "60", {"1", "31536000", "-1"}, numbers_but({"0", "31536001"})},
      {"max-items", "0", {"0", "1", "1000000"}, numbers_but({"-1", "281474976710657"})},
      {"max-bytes", "0", {"0", "1000", "4G"}, numbers_but({"-1", "1T"})},
      {"max-ops-per-second", "0", {"0", "50", "1000000000"}, numbers_but({"-1", "1000000001"})},
      {"gat-order", "rule", {"rule", "flare", "memcached"}, {"", "key", "Flare"}},
      {"client-versions", "accept", {"accept", "refuse"}, {"", "yes", "true"}},
      {"proxy-read-error", "miss", {"miss", "error"}, {"", "fail", "Error"}},
      {"proxy-flush-all", "own", {"own", "cluster"}, {"", "all", "OWN"}},
      {"storage-type", "kch", {"kch", "tch"}, {"", "tcb", "other", "KCH"}},
      {"storage-bucket-size", "1048576", {"1", "16777216", "4294967296"}, numbers_but({"0", "-1", "4294967297"})},
      {"storage-ap", "4", {"0", "15"}, numbers_but({"16", "-1"})},
      {"storage-large", "false", flags, not_flags},
      {"storage-cache-size", "65536", {"0", "1000"}, numbers_but({"-1", "100000001"})},
      {"durability", "process", {"process", "interval", "group"}, {"", "disk", "Process"}},
      {"log-max-size", "0", {"0", "16M", "1G"}, numbers_but({"-1", "1000000G"})},
      {"disk-reserve", "0", {"0", "16M", "1G"}, numbers_but({"-1", "1000000G"})},
      {"flush-keep", "3600", {"0", "86400"}, numbers_but({"-1", "4294967297"})},
      {"expiry-sweep-interval", "60", {"1", "86400"}, numbers_but({"0", "-1", "86401"})},
      {"expiry-sweep-delay", "60", {"2", "86400"}, numbers_but({"1", "-1", "86401"})},
      {"storage-dfunit", "0", {"0", "8"}, numbers_but({"-1"}), true},
      {"storage-fp", "10", {"0", "20"}, numbers_but({"-1"}), true},
      {"storage-lmemb", "128", {"1"}, numbers_but({"-1"}), true},
      {"storage-nmemb", "256", {"1"}, numbers_but({"-1"}), true},
      {"storage-compress", "", {"", "deflate", "bz2", "tcbs"}, {"lzo", "DEFLATE"}, true},
      {"mutex-slot", "64", {"1", "32"}, numbers_but({"0", "-1"}), true},
      {"replication-type", "async", {"async", "sync"}, {"", "semi"}},
      {"start-without-index", "false", {"true", "false"}, {"maybe"}},
      {"min-sync-replicas", "1", {"1", "3", "64"}, numbers_but({"0", "65", "-1"})},
      {"sync-timeout", "1000", {"200", "60000"}, numbers_but({"199", "60001", "-1"})},
      {"dismiss-silent-slaves", "0", {"0", "20", "3600"}, numbers_but({"-1", "3601"})},
      {"max-lag", "1000000", {"0", "100"}, numbers_but({"-1"})},
      {"reconstruction-interval", "0", {"0", "1000"}, numbers_but({"-1"})},
      {"reconstruction-bwlimit", "0", {"0", "1000"}, numbers_but({"-1"})},
      {"noreply-window-limit", "0", {"0", "1000"}, numbers_but({"-1"}), true},
      {"proxy-prior-netmask", "0", {"0", "24", "32"}, numbers_but({"33", "-1"})},
      {"failover-wait", "17", {"0", "1", "3600"}, numbers_but({"-1", "3601"})},
      {"max-total-thread-queue", "0", {"0", "4294967295"}, numbers_but({"-1", "4294967296"})},
      {"time-watcher-enabled", "false", flags, not_flags},
      {"time-watcher-polling-interval-msec", "0", {"0", "100"}, numbers_but({"-1"})},
      {"storage-access-watch-threshold-warn-msec", "0", {"0", "100"}, numbers_but({"-1"})},
      {"storage-access-watch-threshold-ping-ng-msec", "0", {"0", "100"}, numbers_but({"-1"})},
      {"cluster-replication", "false", flags, not_flags},
      {"cluster-replication-server-name", "", {"", "b.example"}, {"a b"}},
      {"cluster-replication-server-port", "12121", {"1", "65535"}, numbers_but({"0", "65536"})},
      {"cluster-replication-concurrency", "0", {"0", "4"}, numbers_but({"-1", "1025"})},
      {"cluster-replication-mode", "duplicate", {"duplicate", "forward"}, {"", "single"}},
  };
  return rows;
}

template <class Options>
std::vector<Row> rows_of() {
  auto rows = common();
  const auto& own = std::is_same_v<Options, FlareiOptions> ? of_flarei() : of_flared();
  rows.insert(rows.end(), own.begin(), own.end());
  return rows;
}

template <class Options>
class EveryOption : public testing::Test {
 protected:
  TempDir folder;

  Result<Options, StartFailure> from_file(const Row& row, const std::string& value) {
    write_file(file(), "# one option\n" + row.name + " = " + value + "\n");
    Words words{"-f", file()};
    for (const auto& word : ParserOf<Options>::required(folder)) {
      if (!word.starts_with("--" + row.name + "=")) words.push_back(word);
    }
    return parse<Options>(words);
  }
  std::string file() const { return folder / "x.conf"; }
};

using BothDaemons = testing::Types<FlareiOptions, FlaredOptions>;
TYPED_TEST_SUITE(EveryOption, BothDaemons);

TYPED_TEST(EveryOption, IsInTheTableOfThisTestAndInHelp) {
  const auto options = parse_with_required<TypeParam>(this->folder, {});
  ASSERT_TRUE(options) << options.error().text;
  std::set<std::string> in_program, in_test;
  for (const auto& [name, value] : shown_options(*options)) in_program.insert(name);
  for (const auto& row : rows_of<TypeParam>()) in_test.insert(row.name);
  EXPECT_EQ(in_program, in_test);
  const auto help = parse<TypeParam>({"--help"}).error().text;
  for (const auto& name : in_test) EXPECT_NE(help.find("--" + name), std::string::npos) << name;
}

TYPED_TEST(EveryOption, HasItsDefault) {
  const auto options = parse_with_required<TypeParam>(this->folder, {});
  ASSERT_TRUE(options) << options.error().text;
  const auto shown = shown_options(*options);
  for (const auto& row : rows_of<TypeParam>()) {
    if (row.default_text == "*") continue;
    EXPECT_EQ(value_of(shown, row.name), row.default_text) << row.name;
  }
  EXPECT_TRUE(option_warnings(*options).empty());
}

TYPED_TEST(EveryOption, IsTakenFromTheCommandLine) {
  for (const auto& row : rows_of<TypeParam>()) {
    for (const auto& value : row.taken) {
      const auto options = parse_with_required<TypeParam>(this->folder, {"--" + row.name + "=" + value});
      ASSERT_TRUE(options) << options.error().text;
      EXPECT_EQ(value_of(shown_options(*options), row.name), value) << row.name;
    }
  }
}

TYPED_TEST(EveryOption, IsTakenFromTheFile) {
  for (const auto& row : rows_of<TypeParam>()) {
    for (const auto& value : row.taken) {
      const auto options = this->from_file(row, value);
      ASSERT_TRUE(options) << options.error().text;
      EXPECT_EQ(value_of(shown_options(*options), row.name), value) << row.name;
    }
  }
}

TYPED_TEST(EveryOption, RefusesBadValuesWithOptionValueFileAndLine) {
  for (const auto& row : rows_of<TypeParam>()) {
    for (const auto& value : row.refused) {
      const auto options = this->from_file(row, value);
      ASSERT_FALSE(options) << row.name << " = " << value;
      EXPECT_EQ(options.error().exit_code, ExitCode::configuration);
      const auto place =
          std::string(ParserOf<TypeParam>::name) + ": " + this->file() + ":2: option '" + row.name + "': ";
      EXPECT_TRUE(options.error().text.starts_with(place + "value '")) << options.error().text;
    }
  }
}

TYPED_TEST(EveryOption, RefusesBadValuesOfTheCommandLineToo) {
  for (const auto& row : rows_of<TypeParam>()) {
    for (const auto& value : row.refused) {
      const auto options = parse_with_required<TypeParam>(this->folder, {"--" + row.name + "=" + value});
      ASSERT_FALSE(options) << row.name << " = " << value;
      EXPECT_EQ(options.error().exit_code, ExitCode::configuration);
      const auto place = std::string(ParserOf<TypeParam>::name) + ": command line: option '" + row.name + "': value '";
      EXPECT_TRUE(options.error().text.starts_with(place)) << options.error().text;
    }
  }
}

TYPED_TEST(EveryOption, WhoseFeatureIsNotHereIsNamedWhenSet) {
  for (const auto& row : rows_of<TypeParam>()) {
    for (const auto& value : row.taken) {
      const auto options = parse_with_required<TypeParam>(this->folder, {"--" + row.name + "=" + value});
      ASSERT_TRUE(options) << options.error().text;
      const bool named = row.later && value != row.default_text;
      EXPECT_EQ(unsupported_yet(*options), named ? Words{row.name} : Words{}) << row.name << " = " << value;
    }
  }
}

}  // namespace
}  // namespace flare::test
