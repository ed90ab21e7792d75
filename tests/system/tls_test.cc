// docs/security.md, TLS: client doors, and daemons among each other, by real daemons and certificates of the test's
// own.
#include <gtest/gtest.h>

#include <csignal>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"
#include "support/tls_client.h"
#include "support/tls_files.h"

namespace flare::test {
namespace {

constexpr std::uint16_t tls_offset = 1000;  // of a node's TLS door, above its port
constexpr std::uint16_t ops_offset = 2000;  // of the operators' plain one

Address offset(const Address& daemon, std::uint16_t by) {
  return {daemon.name, static_cast<std::uint16_t>(daemon.port + by)};
}

/// One flarei and flareds; their plain doors for the test are of operators.
class Farm {
 public:
  Farm(std::filesystem::path folder, TlsAuthority& authority, bool cluster_tls)
      : folder_{std::move(folder)}, authority_{authority}, cluster_tls_{cluster_tls} {}

  const Address index{"127.0.0.1", 12120};
  const std::vector<Address> nodes{{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}};

  void start() {
    start_index();
    for (std::size_t number = 0; number < nodes.size(); ++number) {
      start_node(number);
      ASSERT_TRUE(eventually([&] { return !role_of(number).empty(); })) << log_of(nodes[number]);
    }
  }
  void start_index() { spawn("flarei", index, {"monitor-interval = 1", "monitor-threshold = 2"}); }
  void start_node(std::size_t number) {
    spawn("flared", nodes[number], {"index-servers = 127.0.0.1:12120", "threads = 2", "storage-bucket-size = 1000"});
  }

  [[nodiscard]] Process& process(const Address& daemon) { return processes_.at(key_of(daemon)); }
  [[nodiscard]] static Address plain(const Address& daemon) { return offset(daemon, ops_offset); }
  [[nodiscard]] static Address tls(const Address& daemon) { return offset(daemon, tls_offset); }
  [[nodiscard]] std::string log_of(const Address& daemon) const { return read_file(file_of(daemon, ".log")); }

  /// `master active`, empty if the map has no such node.
  [[nodiscard]] std::string role_of(std::size_t number) const {
    const auto map = read_map(TextClient{plain(index)}.ask_all("stats nodes"));
    const auto found = map.find(key_of(nodes[number]));
    return found == map.end() ? "" : found->second.role + " " + found->second.state;
  }
  void give_role(std::size_t number, const std::string& role) {
    const auto line = "node role 127.0.0.1 " + std::to_string(nodes[number].port) + " " + role + " 1 0";
    ASSERT_EQ(TextClient{plain(index)}.ask(line), "OK");
    ASSERT_TRUE(eventually([&] { return role_of(number) == role + " active"; })) << role_of(number) << "\n"
                                                                                 << log_of(index) << "\n"
                                                                                 << log_of(nodes[number]);
  }
  [[nodiscard]] std::string stat(const Address& daemon, const std::string& name) const {
    return stat_value(TextClient{plain(daemon)}.ask_all("stats doors"), name);
  }

 private:
  [[nodiscard]] std::filesystem::path file_of(const Address& daemon, const std::string& what) const {
    return folder_ / (std::to_string(daemon.port) + what);
  }
  void spawn(const std::string& name, const Address& daemon, std::vector<std::string> lines) {
    const auto own = "daemon-" + std::to_string(daemon.port);
    if (!std::filesystem::exists(folder_ / (own + ".pem"))) authority_.issue(own);
    std::filesystem::create_directories(file_of(daemon, ".data"));
    const auto port = [&](std::uint16_t by) { return std::to_string(daemon.port + by); };
    lines.insert(lines.end(),
                 {"data-dir = " + file_of(daemon, ".data").string(), "server-name = 127.0.0.1",
                  "server-port = " + port(0), "tls-certificate = " + (folder_ / (own + ".pem")).string(),
                  "tls-key = " + (folder_ / (own + ".key")).string(), "tls-ca = " + authority_.file().string(),
                  "door.web.port = " + port(tls_offset), "door.web.classes = data, admin", "door.web.tls = yes",
                  "door.ops.port = " + port(ops_offset), "door.ops.classes = data, admin"});
    if (cluster_tls_) lines.emplace_back("cluster-tls = yes");
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    write_file(file_of(daemon, ".conf"), text);
    processes_.insert_or_assign(key_of(daemon),
                                Process{{.words = {program(name), "--stderr", "-f", file_of(daemon, ".conf").string()},
                                         .errors = file_of(daemon, ".log")}});
    ASSERT_TRUE(eventually([&] { return serves(plain(daemon)); })) << log_of(daemon);
  }

  std::filesystem::path folder_;
  TlsAuthority& authority_;
  bool cluster_tls_;
  std::map<std::string, Process> processes_;
};

class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // A master, which is all that client doors need.
  void start_master(Farm& farm) {
    farm.start_index();
    farm.start_node(0);
    ASSERT_TRUE(eventually([&] { return !farm.role_of(0).empty(); }));
    farm.give_role(0, "master");
    ASSERT_TRUE(eventually([&] { return TextClient{Farm::plain(farm.nodes[0])}.ask("delete none") == "NOT_FOUND"; }));
  }

  TempDir folder_;
  TlsAuthority authority_{folder_.path(), "farm"};
  Farm plain_farm_{folder_.path(), authority_, false};
  Farm tls_farm_{folder_.path(), authority_, true};
};

std::string handshake_failure(const Address& door, const TlsTrust& trust) {
  try {
    TlsClient client{door, trust};
    return client.ask("version");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST_F(TlsTest, AClientIsServedAtATlsDoor) {
  start_master(plain_farm_);
  TlsClient client{Farm::tls(plain_farm_.nodes[0]), {.ca = authority_.file()}};
  EXPECT_EQ(client.server_name(), "daemon-12121");
  EXPECT_EQ(client.ask("set k 0 0 3\r\nabc"), "STORED");
  EXPECT_EQ(client.ask("get k"), "VALUE k 0 3");
  EXPECT_EQ(client.read_exactly(10), "abc\r\nEND\r\n");
  EXPECT_EQ(client.ask("mg k v"), "VA 3");
  EXPECT_EQ(client.read_line(), "abc");

  // A binary get of k.
  client.send(std::string{"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0k", 25});
  EXPECT_EQ(client.read_exactly(31).substr(28), "abc");

  std::string pipeline;
  for (int i = 0; i < 2000; ++i) pipeline += "set p" + std::to_string(i) + " 0 0 2\r\nhi\r\n";
  client.send(pipeline);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(client.read_line(), "STORED");

  EXPECT_EQ(TextClient{Farm::plain(plain_farm_.nodes[0])}.ask("get k"), "VALUE k 0 3") << "one store for all doors";
  EXPECT_EQ(plain_farm_.stat(plain_farm_.nodes[0], "web:tls"), "server");
  EXPECT_EQ(plain_farm_.stat(plain_farm_.nodes[0], "web:tls_connections"), "1");
  EXPECT_TRUE(plain_farm_.stat(plain_farm_.nodes[0], "web:tls_certificate_until").starts_with("20"));
  client.send("quit\r\n");
  EXPECT_TRUE(client.ends_with_goodbye());
}

// More than the socket's buffers hold, both ways: partial writes and reads, and a client that reads late.
TEST_F(TlsTest, LargeValuesComeWhole) {
  start_master(plain_farm_);
  TlsClient client{Farm::tls(plain_farm_.nodes[0])};
  std::string value(1 << 20, 'v');
  for (std::size_t i = 0; i < value.size(); i += 4096) value[i] = static_cast<char>('a' + i / 4096 % 26);
  EXPECT_EQ(client.ask("set big 0 0 " + std::to_string(value.size()) + "\r\n" + value), "STORED");
  std::string gets;
  for (int i = 0; i < 16; ++i) gets += "get big\r\n";
  client.send(gets);
  for (int i = 0; i < 16; ++i) {
    ASSERT_EQ(client.read_line(), "VALUE big 0 1048576");
    ASSERT_TRUE(client.read_exactly(value.size()) == value);
    ASSERT_EQ(client.read_exactly(7), "\r\nEND\r\n");
  }
}

TEST_F(TlsTest, WhoeverSpeaksTheWrongWayIsClosedAndTold) {
  start_master(plain_farm_);
  const auto& node = plain_farm_.nodes[0];
  RawClient plain{Farm::tls(node)};
  plain.send("version\r\n");
  EXPECT_TRUE(plain.reads_to_end());
  EXPECT_EQ(plain.received().find("VERSION"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return plain_farm_.stat(node, "web:tls_failures") == "1"; }));
  EXPECT_NE(plain_farm_.log_of(node).find("no TLS with 127.0.0.1:"), std::string::npos);
  EXPECT_NE(plain_farm_.log_of(node).find("at door web: it speaks no TLS"), std::string::npos);

  EXPECT_NE(handshake_failure(Farm::plain(node), {}).find("handshake: "), std::string::npos);
  TlsAuthority other{folder_.path(), "other"};
  EXPECT_NE(handshake_failure(Farm::tls(node), {.ca = other.file()}).find("certificate verify failed"),
            std::string::npos);
  EXPECT_TRUE(handshake_failure(Farm::tls(node), {}).starts_with("VERSION "));
  EXPECT_TRUE(handshake_failure(Farm::tls(plain_farm_.index), {}).starts_with("VERSION ")) << "at flarei, too";
}

// 10 s: the deadline of the daemon itself. Those who are served notice nothing.
TEST_F(TlsTest, AHalfHandshakeIsClosed) {
  start_master(plain_farm_);
  const auto& node = plain_farm_.nodes[0];
  std::vector<RawClient> half;
  for (int i = 0; i < 20; ++i) half.emplace_back(Farm::tls(node));
  half[0].send(std::string{"\x16\x03\x01", 3});
  TlsClient served{Farm::tls(node)};
  EXPECT_TRUE(served.ask("version").starts_with("VERSION "));
  for (auto& client : half) EXPECT_TRUE(client.reads_to_end());
  EXPECT_TRUE(served.ask("version").starts_with("VERSION "));
  EXPECT_EQ(plain_farm_.stat(node, "web:tls_failures"), "20");
  EXPECT_NE(plain_farm_.log_of(node).find("it made no handshake within 10 s"), std::string::npos);
}

TEST_F(TlsTest, HangupTakesANewCertificateOrKeepsTheOldOne) {
  start_master(plain_farm_);
  const auto& node = plain_farm_.nodes[0];
  TlsClient before{Farm::tls(node)};
  std::filesystem::rename(folder_ / "daemon-12121.key", folder_ / "away.key");
  plain_farm_.process(node).send(SIGHUP);
  EXPECT_TRUE(eventually(
      [&] { return plain_farm_.log_of(node).find("nothing is changed: option 'tls-key'") != std::string::npos; }));
  EXPECT_EQ(TlsClient{Farm::tls(node)}.server_name(), "daemon-12121");

  const auto fresh = authority_.issue("fresh");
  std::filesystem::rename(fresh.key, folder_ / "daemon-12121.key");
  std::filesystem::rename(fresh.certificate, folder_ / "daemon-12121.pem");
  plain_farm_.process(node).send(SIGHUP);
  EXPECT_TRUE(eventually([&] { return TlsClient{Farm::tls(node)}.server_name() == "fresh"; }));
  EXPECT_TRUE(before.ask("version").starts_with("VERSION ")) << "open connections go on";
}

// The session of the README with mutual TLS: roles, a slave's stream, a proxy's forwards, a failover.
TEST_F(TlsTest, AClusterSpeaksTlsOnly) {
  auto& farm = tls_farm_;
  farm.start();
  farm.give_role(0, "master");
  ASSERT_TRUE(eventually([&] { return TextClient{Farm::plain(farm.nodes[0])}.ask("set k 0 0 3\r\nabc") == "STORED"; }));
  farm.give_role(1, "slave");
  ASSERT_TRUE(eventually([&] { return TextClient{Farm::plain(farm.nodes[2])}.ask("get k") == "VALUE k 0 3"; }))
      << "by the proxy";
  TlsClient at_proxy{Farm::tls(farm.nodes[2])};
  for (int i = 0; i < 200; ++i) ASSERT_EQ(at_proxy.ask("set s" + std::to_string(i) + " 0 0 2\r\nhi"), "STORED");
  const auto items_at_slave = [&] { return ask_stat(Farm::plain(farm.nodes[1]), "stats", "curr_items"); };
  EXPECT_TRUE(eventually([&] { return items_at_slave() == "201"; })) << items_at_slave();

  farm.process(farm.nodes[0]).kill();
  ASSERT_TRUE(eventually([&] { return farm.role_of(1) == "master active"; })) << farm.log_of(farm.index);
  EXPECT_TRUE(eventually([&] { return at_proxy.ask("set after 0 0 3\r\nnew") == "STORED"; }));
  farm.start_node(0);
  EXPECT_TRUE(eventually([&] { return farm.role_of(0).ends_with(" active"); })) << farm.log_of(farm.nodes[0]);
}

TEST_F(TlsTest, WhoeverHasNoCertificateOfTheClusterStaysOut) {
  start_master(tls_farm_);
  const auto pair = authority_.issue("another-node");
  const auto expired = authority_.issue("expired", -5);
  TlsAuthority other{folder_.path(), "other"};
  const auto foreign = other.issue("foreign");
  std::uint64_t failures = 0;
  for (const auto& daemon : {tls_farm_.index, tls_farm_.nodes[0]}) {
    EXPECT_TRUE(handshake_failure(daemon, {authority_.file(), pair}).starts_with("VERSION "));
    EXPECT_FALSE(handshake_failure(daemon, {authority_.file(), {}}).starts_with("VERSION "));
    EXPECT_FALSE(handshake_failure(daemon, {authority_.file(), expired}).starts_with("VERSION "));
    EXPECT_FALSE(handshake_failure(daemon, {authority_.file(), foreign}).starts_with("VERSION "));
    RawClient plain{daemon};
    plain.send("version\r\n");
    EXPECT_TRUE(plain.reads_to_end());
    EXPECT_TRUE(eventually([&] { return tls_farm_.stat(daemon, "server-port:tls_failures") == "4"; }));
    failures += 4;
  }
  EXPECT_EQ(failures, 8U);
  EXPECT_NE(tls_farm_.log_of(tls_farm_.index).find("at door server-port: it showed no certificate"), std::string::npos);
}

TEST_F(TlsTest, AWrongStartNamesOptionAndFile) {
  const auto good = authority_.issue("good");
  const auto other = authority_.issue("other");
  const struct {
    std::vector<std::string> words;
    std::string said;
  } rows[] = {
      {{"--cluster-tls=yes"}, "'tls-certificate': is required with cluster-tls"},
      {{"--tls-certificate=" + good.certificate.string()}, "'tls-key': is required beside tls-certificate"},
      {{"--tls-certificate=" + good.certificate.string(), "--tls-key=" + good.key.string(), "--cluster-tls=yes"},
       "'tls-ca': is required with cluster-tls"},
      {{"--tls-certificate=" + good.certificate.string(), "--tls-key=" + other.key.string()},
       "'tls-key': " + other.key.string() + ": key values mismatch"},
      {{"--tls-certificate=/none.pem", "--tls-key=" + good.key.string()}, "'tls-certificate': /none.pem: No such"},
  };
  for (const auto& name : {"flarei", "flared"}) {
    std::filesystem::create_directory(folder_ / name);
    for (const auto& row : rows) {
      std::vector<std::string> words{program(name), "--stderr", "--data-dir=" + (folder_ / name).string(),
                                     "--server-name=127.0.0.1"};
      if (name == std::string{"flared"}) words.emplace_back("--index-servers=127.0.0.1:12120");
      words.insert(words.end(), row.words.begin(), row.words.end());
      const auto outcome = run(words);
      EXPECT_EQ(outcome.ending.code, 78) << name;
      EXPECT_NE(outcome.errors.find(row.said), std::string::npos) << name << ": " << outcome.errors;
    }
  }
}

}  // namespace
}  // namespace flare::test
