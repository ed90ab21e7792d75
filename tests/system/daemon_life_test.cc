// daemons.md 1 and 2 without its defects: exit codes, messages, --daemonize, locks, signals, sockets, log.
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <sstream>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const Address index_address{.name = "127.0.0.1", .port = 12120};
const Address node_address{.name = "127.0.0.1", .port = 12121};

class DaemonLife : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    enter_private_network();
    adopt_orphans();
  }

  [[nodiscard]] std::string data(const std::string& name) const {
    std::filesystem::create_directories(folder_ / name);
    return folder_ / name;
  }

  // Words of a flared with everything it needs; the index is where index_address is.
  [[nodiscard]] std::vector<std::string> flared_words(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{program("flared"), "--data-dir",          data("node"), "--server-name",
                                   "127.0.0.1",       "--index-server-name", "127.0.0.1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] std::vector<std::string> flarei_words(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{program("flarei"), "--data-dir", data("index"), "--server-name", "127.0.0.1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] Process start(std::vector<std::string> words, const std::string& log) const {
    words.emplace_back("--stderr");
    return Process{{.words = std::move(words), .errors = folder_ / log}};
  }
  [[nodiscard]] std::string log(const std::string& name) const { return read_file(folder_ / name); }

  TempDir folder_;
};

struct RefusedStart {
  const char* name;
  const char* program;
  std::vector<std::string> words;
  std::string config;  // text of a config file to give with -f; empty: none
  int code;
  std::vector<std::string> said;  // parts of the message; CONFIG stands for the file's path, DATA for a good data-dir
};

void PrintTo(const RefusedStart& start, std::ostream* out) { *out << start.name; }

class RefusedStarts : public DaemonLife, public testing::WithParamInterface<RefusedStart> {
 protected:
  [[nodiscard]] std::string filled(std::string text) const {
    for (const auto& [name, value] : {std::pair{std::string{"CONFIG"}, (folder_ / "daemon.conf").string()},
                                      std::pair{std::string{"DATA"}, data("index")}}) {
      if (const auto at = text.find(name); at != std::string::npos) text.replace(at, name.size(), value);
    }
    return text;
  }
};

TEST_P(RefusedStarts, NameTheOptionAndTheValueAndWhereItStands) {
  const auto& wanted = GetParam();
  std::vector<std::string> words{program(wanted.program)};
  for (const auto& word : wanted.words) words.push_back(filled(word));
  if (!wanted.config.empty()) {
    write_file(folder_ / "daemon.conf", filled(wanted.config));
    words.insert(words.end(), {"-f", folder_ / "daemon.conf"});
  }
  const auto outcome = run(words);
  EXPECT_EQ(outcome.ending.code, wanted.code) << outcome.errors;
  EXPECT_EQ(outcome.output, "");
  for (const auto& part : wanted.said) EXPECT_TRUE(contains(outcome.errors, filled(part))) << outcome.errors;
}

INSTANTIATE_TEST_SUITE_P(
    Daemons_1, RefusedStarts,
    testing::Values(
        RefusedStart{"unknown", "flarei", {"--nosuch", "1"}, "", 64, {"'--nosuch'"}},
        RefusedStart{"positional", "flared", {"word"}, "", 64, {"'word'"}},
        RefusedStart{"no_value", "flarei", {"--data-dir", "DATA", "--server-port"}, "", 64, {"'server-port'"}},
        RefusedStart{"no_data_dir", "flarei", {"--server-port", "12120"}, "", 78, {"'data-dir'", "required"}},
        RefusedStart{"missing_dir", "flarei", {"--data-dir", "/nonexistent"}, "", 78, {"'data-dir'", "'/nonexistent'"}},
        RefusedStart{
            "bad_number", "flarei", {"--data-dir", "DATA", "--server-port", "x"}, "", 78, {"'server-port'", "'x'"}},
        RefusedStart{"unknown_in_file", "flarei", {}, "data-dir = DATA\nnosuch = 1\n", 78, {"CONFIG:2", "'nosuch'"}},
        RefusedStart{"range_in_file",
                     "flarei",
                     {},
                     "data-dir = DATA\n\nserver-port = 99999\n",
                     78,
                     {"CONFIG:3", "'server-port'", "'99999'"}},
        RefusedStart{"twice_in_file",
                     "flarei",
                     {},
                     "data-dir = DATA\nserver-port = 1\nserver-port = 1\n",
                     78,
                     {"CONFIG:3", "'server-port'"}},
        RefusedStart{"no_equals_sign", "flarei", {}, "data-dir = DATA\nwhat is this\n", 78, {"CONFIG:2"}},
        RefusedStart{"missing_file", "flarei", {"-f", "/nonexistent.conf"}, "", 78, {"/nonexistent.conf"}},
        RefusedStart{"no_index", "flared", {"--data-dir", "DATA"}, "", 78, {"index-server"}},
        RefusedStart{"two_indexes",
                     "flared",
                     {"--data-dir", "DATA", "--index-server-name", "a", "--index-servers", "b:1"},
                     "",
                     78,
                     {"'index-servers'", "index-server-name"}},
        RefusedStart{"tcb",
                     "flared",
                     {"--data-dir", "DATA", "--index-server-name", "127.0.0.1", "--storage-type", "tcb"},
                     "",
                     78,
                     {"'storage-type'", "'tcb'"}},
        RefusedStart{"no_such_user",
                     "flarei",
                     {"--data-dir", "DATA", "--user", "no-such-user"},
                     "",
                     78,
                     {"'user'", "'no-such-user'"}},
        RefusedStart{"pid_not_writable",
                     "flarei",
                     {"--data-dir", "DATA", "--pid", "/proc/flare.pid"},
                     "",
                     73,
                     {"/proc/flare.pid"}},
        RefusedStart{"index_unreachable",
                     "flared",
                     {"--data-dir", "DATA", "--index-server-name", "127.0.0.1"},
                     "",
                     69,
                     {"127.0.0.1:12120"}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

TEST_F(DaemonLife, HelpAndVersionEndWith0OnStdout) {
  for (const auto* daemon : {"flarei", "flared"}) {
    const auto help = run({program(daemon), "--help"});
    EXPECT_EQ(help.ending.code, 0);
    EXPECT_TRUE(contains(help.output, "data-dir") && contains(help.output, "check-config")) << help.output;
    const auto version = run({program(daemon), "--version"});
    EXPECT_EQ(version.ending.code, 0);
    EXPECT_EQ(version.output, "flare 2.0.0\n");
  }
}

TEST_F(DaemonLife, CheckConfigJudgesWithoutStarting) {
  write_file(folder_ / "good.conf", "data-dir = " + data("index") + "\nserver-port = 12120\n");
  write_file(folder_ / "bad.conf", "data-dir = " + data("index") + "\nmonitor-interval = soon\n");
  EXPECT_EQ(run({program("flarei"), "-f", folder_ / "good.conf", "--check-config"}).ending.code, 0);
  const auto bad = run({program("flarei"), "-f", folder_ / "bad.conf", "--check-config"});
  EXPECT_EQ(bad.ending.code, 78);
  EXPECT_TRUE(contains(bad.errors, "bad.conf:2")) << bad.errors;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "index" / "flarei.pid"));
  EXPECT_EQ(run(flared_words({"--check-config"})).ending.code, 0) << "needs no index";
}

TEST_F(DaemonLife, DaemonizeReturnsOnlyWhenTheChildServes) {
  const auto outcome = run(flarei_words({"--daemonize"}));
  ASSERT_EQ(outcome.ending.code, 0) << outcome.errors;
  Daemon daemon{read_pid_file(folder_ / "index" / "flarei.pid")};
  EXPECT_TRUE(serves(index_address));
  const auto ending = daemon.stop(SIGTERM);
  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "index" / "flarei.pid"));
}

TEST_F(DaemonLife, DaemonizeGivesTheChildsCodeAndMessage) {
  const auto outcome = run(flared_words({"--daemonize"}));
  EXPECT_EQ(outcome.ending.code, 69) << outcome.errors;
  EXPECT_TRUE(contains(outcome.errors, "127.0.0.1:12120")) << outcome.errors;
  EXPECT_FALSE(serves(node_address));
}

TEST_F(DaemonLife, ASecondStartOnADataDirIsRefusedAndNamesTheFirst) {
  auto first = start(flarei_words(), "first.log");
  ASSERT_TRUE(eventually([] { return serves(index_address); })) << log("first.log");
  const auto second = run(flarei_words({"--server-port", "12129", "--pid", folder_ / "other.pid"}));
  EXPECT_EQ(second.ending.code, 78);
  EXPECT_TRUE(contains(second.errors, data("index")) && contains(second.errors, std::to_string(first.pid())))
      << second.errors;
  EXPECT_TRUE(serves(index_address));
}

TEST_F(DaemonLife, ASecondStartOnAPortIsRefused) {
  auto first = start(flarei_words(), "first.log");
  ASSERT_TRUE(eventually([] { return serves(index_address); })) << log("first.log");
  const auto second = run({program("flarei"), "--data-dir", data("second")});
  EXPECT_EQ(second.ending.code, 73);
  EXPECT_TRUE(contains(second.errors, "12120")) << second.errors;
}

TEST_F(DaemonLife, AnOldPidFileDoesNotBlockAStart) {
  for (const auto* text : {"", "not a number\n", "-1\n", "1\n"}) {
    write_file(folder_ / "index" / "flarei.pid", text);
    auto daemon = start(flarei_words(), "daemon.log");
    EXPECT_TRUE(eventually([] { return serves(index_address); })) << log("daemon.log");
    EXPECT_EQ(read_pid_file(folder_ / "index" / "flarei.pid"), daemon.pid());
    const auto ending = daemon.stop();
    ASSERT_TRUE(ending.has_value());
    EXPECT_EQ(ending->code, 0);
  }
}

TEST_F(DaemonLife, AStaleUnixSocketDoesNotBlockAStart) {
  auto index = start(flarei_words(), "index.log");
  ASSERT_TRUE(eventually([] { return serves(index_address); })) << log("index.log");
  const auto socket = (folder_ / "flared.sock").string();
  const auto answers = [&] {
    try {
      return TextClient{socket}.ask("ping") == "OK";
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  auto first = start(flared_words({"--server-socket", socket}), "node.log");
  ASSERT_TRUE(eventually(answers)) << log("node.log");
  first.kill();
  EXPECT_TRUE(std::filesystem::exists(socket)) << "kill -9 leaves it behind";
  auto second = start(flared_words({"--server-socket", socket}), "node.log");
  EXPECT_TRUE(eventually(answers)) << log("node.log");
  ASSERT_TRUE(second.stop().has_value());
  EXPECT_FALSE(std::filesystem::exists(socket)) << "removed at a clean end";
}

TEST_F(DaemonLife, TermAnswersWhatWasTakenInAndEndsWith0) {
  Cluster cluster{{.folder = folder_.path(), .nodes = {node_address}}};
  cluster.start();
  cluster.make_master(0);
  constexpr int writes = 2000;
  std::string requests;
  for (int number = 0; number < writes; ++number) requests += "set k" + std::to_string(number) + " 0 0 1\r\nv\r\n";
  TextClient client{node_address};
  client.send(requests);
  EXPECT_EQ(client.read_line(), "STORED");
  const auto ending = cluster.node_process(0).stop();
  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->code, 0);

  const auto answers = client.read_until_quiet(Milliseconds{500});
  const std::string answer = "STORED\r\n";
  ASSERT_EQ(answers.size() % answer.size(), 0U) << "an answer was cut";
  const auto acknowledged = 1 + answers.size() / answer.size();
  cluster.start_node(0);
  EXPECT_TRUE(cluster.becomes(0, "master", "active"));
  EXPECT_TRUE(eventually([] { return ask_stat(node_address, "stats", "curr_items") != ""; }));
  EXPECT_GE(std::stoul(ask_stat(node_address, "stats", "curr_items")), acknowledged);
}

TEST_F(DaemonLife, TermTellsTheIndexAtOnce) {
  Cluster cluster{{.folder = folder_.path(), .nodes = {node_address}}};
  cluster.start();
  ASSERT_TRUE(cluster.node_process(0).stop().has_value());
  EXPECT_EQ(cluster.view(0).value().state, "down") << "by shutdown, not by failed probes";
}

// The value of a line `name:   value` (flarei pads its names).
std::string variable(const Address& daemon, const std::string& name) {
  for (const auto& line : TextClient{daemon}.ask_all("show variables")) {
    if (!line.starts_with(name + ":")) continue;
    const auto value = line.find_first_not_of(' ', name.size() + 1);
    return value == std::string::npos ? std::string{} : line.substr(value);
  }
  return {};
}

TEST_F(DaemonLife, HupReadsTheFileAgainBeneathTheCommandLine) {
  const auto config = folder_ / "flarei.conf";
  const auto write = [&](const std::string& lines) {
    write_file(config, "data-dir = " + data("index") + "\n" + lines);
  };
  write("monitor-threshold = 4\nmonitor-interval = 7\n");
  auto daemon = start({program("flarei"), "-f", config, "--monitor-interval", "2"}, "daemon.log");
  ASSERT_TRUE(eventually([] { return serves(index_address); })) << log("daemon.log");
  EXPECT_EQ(variable(index_address, "monitor_threshold"), "4");

  write("monitor-threshold = 5\nmonitor-interval = 9\n");
  daemon.send(SIGHUP);
  EXPECT_TRUE(eventually([] { return variable(index_address, "monitor_threshold") == "5"; }));
  EXPECT_EQ(variable(index_address, "monitor_interval"), "2") << "the command line keeps precedence";

  write("monitor-threshold = 6\nmonitor-interval = soon\n");
  daemon.send(SIGHUP);
  EXPECT_TRUE(eventually([&] { return contains(log("daemon.log"), "flarei.conf:3"); })) << log("daemon.log");
  EXPECT_EQ(variable(index_address, "monitor_threshold"), "5") << "all or nothing";
  EXPECT_TRUE(serves(index_address));
}

TEST_F(DaemonLife, DropsRootAfterBinding) {
  const auto* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  ASSERT_EQ(::chown(data("index").c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  const Address privileged{.name = "127.0.0.1", .port = 120};
  auto daemon = start(flarei_words({"--user", "nobody", "--server-port", "120"}), "daemon.log");
  ASSERT_TRUE(eventually([&] { return serves(privileged); })) << log("daemon.log");
  const auto status = read_file("/proc/" + std::to_string(daemon.pid()) + "/status");
  const auto user = std::to_string(nobody->pw_uid);
  EXPECT_TRUE(contains(status, "Uid:\t" + user + "\t" + user + "\t" + user)) << status;
  ASSERT_TRUE(daemon.stop().has_value());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "index" / "flarei.pid"));
}

TEST_F(DaemonLife, LogsOneLineForEachNodeStateChange) {
  Cluster cluster{{.folder = folder_.path(), .nodes = {node_address}}};
  cluster.start();
  cluster.make_master(0);
  cluster.node_process(0).kill();
  ASSERT_TRUE(cluster.becomes(0, "master", "down"));
  std::istringstream lines{read_file(cluster.log_of(index_address))};
  std::vector<std::string> changes;
  for (std::string line; std::getline(lines, line);) {
    if (contains(line, "127.0.0.1:12121 changed from")) changes.push_back(line);
  }
  ASSERT_EQ(changes.size(), 3U) << read_file(cluster.log_of(index_address));
  EXPECT_TRUE(contains(changes[0], "proxy/active") && contains(changes[0], "map version 1")) << changes[0];
  EXPECT_TRUE(contains(changes[1], "proxy/active") && contains(changes[1], "master/active")) << changes[1];
  EXPECT_TRUE(contains(changes[2], "master/active") && contains(changes[2], "master/down")) << changes[2];
}

/// The end of /dev/log in this process's own /dev.
class LogSocket {
 public:
  LogSocket() : descriptor_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::string{"/dev/log"}.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  ~LogSocket() { ::close(descriptor_); }
  LogSocket(const LogSocket&) = delete;
  LogSocket& operator=(const LogSocket&) = delete;

  // Waits for a message with this part.
  std::string message_with(const std::string& part) {
    std::string found;
    EXPECT_TRUE(eventually([&] { return contains(found = next(), part); })) << part;
    return found;
  }

 private:
  std::string next() const {
    std::array<char, 8192> bytes{};
    const auto got = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    return got > 0 ? std::string{bytes.data(), static_cast<std::size_t>(got)} : std::string{};
  }

  int descriptor_;
};

TEST_F(DaemonLife, LogsToSyslogWithFacilityAndTenant) {
  enter_private_dev();
  LogSocket log_socket;
  constexpr int local0_notice = 16 * 8 + 5;
  Process daemon{{.words = flarei_words({"--tenant", "user-a", "--log-facility", "local0"})}};
  const auto message = log_socket.message_with("flarei@user-a");
  EXPECT_TRUE(message.starts_with("<" + std::to_string(local0_notice) + ">")) << message;
  EXPECT_TRUE(contains(message, std::to_string(daemon.pid()))) << message;
}

}  // namespace
}  // namespace flare::test
