// flare-tenant on real daemons, in temporary folders and a network of its own, without systemd.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

namespace fs = std::filesystem;

constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

class TenantTool : public testing::Test {
 protected:
  void SetUp() override {
    enter_private_network();
    adopt_orphans();
  }

  [[nodiscard]] fs::path config(const std::string& tenant, const std::string& program) const {
    return folder_ / "etc" / tenant / (program + ".conf");
  }
  [[nodiscard]] fs::path data(const std::string& tenant, const std::string& program) const {
    return folder_ / "var" / tenant / program;
  }

  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> all{program("flare-tenant"), "--config-root", folder_ / "etc",
                                 "--data-root",           folder_ / "var", "--no-systemd"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Outcome tool(const std::vector<std::string>& more) const { return run(words(more)); }

  // The words go to the shell as its arguments, so that nothing has to be quoted.
  [[nodiscard]] Outcome tool_with_input(const std::string& typed, const std::vector<std::string>& more) const {
    std::vector<std::string> shell{"sh", "-c", "typed=$1; shift; printf '%s\\n' \"$typed\" | \"$@\"", "sh", typed};
    const auto all = words(more);
    shell.insert(shell.end(), all.begin(), all.end());
    return run(shell);
  }

  void expect_code(const Outcome& outcome, int code) const {
    EXPECT_TRUE(outcome.in_time);
    EXPECT_EQ(outcome.ending.code, code) << outcome.output << outcome.errors;
  }

  // Starts it and keeps its daemons, so that none outlives the test.
  void start(const std::string& tenant) {
    expect_code(tool({"start", tenant}), done);
    for (const auto* name : {"flarei", "flared"}) {
      daemons_.emplace_back(read_pid_file(data(tenant, name) / (std::string{name} + ".pid")));
      ASSERT_GT(daemons_.back().pid(), 1) << name;
    }
  }

  [[nodiscard]] nlohmann::json list_of(const std::string& tenant) const {
    const auto outcome = tool({"list", "--json"});
    const auto list = nlohmann::json::parse(outcome.output);
    for (const auto& row : list.at("tenants")) {
      if (row.at("tenant") == tenant) return row;
    }
    return {};
  }

  [[nodiscard]] Address address_of(const std::string& tenant, std::size_t daemon) const {
    return {"127.0.0.1", list_of(tenant).at("daemons").at(daemon).at("port").get<std::uint16_t>()};
  }

  void make_master(const std::string& tenant) const {
    const auto index = address_of(tenant, 0);
    const auto node = address_of(tenant, 1);
    ASSERT_EQ(TextClient{index}.ask("node role 127.0.0.1 " + std::to_string(node.port) + " master 1 0"), "OK");
    ASSERT_TRUE(eventually([&] {
      const auto nodes = read_map(TextClient{index}.ask_all("stats nodes"));
      const auto found = nodes.find(key_of(node));
      return found != nodes.end() && found->second.role == "master" && found->second.state == "active";
    }));
  }

  void append(const fs::path& file, const std::string& line) const {
    std::ofstream{file, std::ios::app} << line << "\n";
  }

  TempDir folder_;
  std::vector<Daemon> daemons_;
};

std::string store(const Address& node, const std::string& value) {
  TextClient client{node};
  client.send("set key 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
  return client.read_line();
}

std::string value_at(const Address& node) {
  const auto lines = TextClient{node}.ask_all("get key");
  return lines.size() > 1 ? lines[1] : std::string{};
}

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

TEST_F(TenantTool, TwoTenantsLiveSideBySideFromCreateToPurge) {
  for (const auto* tenant : {"user-a", "user-b"}) expect_code(tool({"create", tenant}), done);
  EXPECT_EQ(mode_of(data("user-a", "flarei")), 0700U);
  EXPECT_EQ(mode_of(data("user-a", "flared")), 0700U);
  EXPECT_EQ(list_of("user-a").at("state"), "stopped");
  expect_code(tool({"check"}), done);

  for (const auto* tenant : {"user-a", "user-b"}) {
    start(tenant);
    make_master(tenant);
  }
  const auto node_a = address_of("user-a", 1);
  const auto node_b = address_of("user-b", 1);
  EXPECT_EQ(store(node_a, "of-a"), "STORED");
  EXPECT_EQ(store(node_b, "of-b"), "STORED");
  EXPECT_EQ(value_at(node_a), "of-a");
  EXPECT_EQ(value_at(node_b), "of-b");

  const auto row = list_of("user-a");
  EXPECT_EQ(row.at("state"), "running");
  EXPECT_EQ(row.at("items"), 1);
  EXPECT_EQ(row.at("nodes").size(), 1U);
  EXPECT_EQ(row.at("daemons").at(1).at("pid"), daemons_.at(1).pid());
  EXPECT_TRUE(row.at("warnings").empty()) << row;

  expect_code(tool({"start", "user-a"}), done);                                     // they run already: left alone
  expect_code(tool_with_input("user-a", {"remove", "user-a", "--purge"}), failed);  // running
  expect_code(tool({"stop", "user-a"}), done);
  for (std::size_t number : {0U, 1U}) EXPECT_EQ(daemons_.at(number).stop(SIGTERM)->code, 0) << "did not end by itself";
  expect_code(tool({"stop", "user-a"}), done);  // nothing runs: nothing to do
  EXPECT_EQ(value_at(node_b), "of-b");

  expect_code(tool_with_input("user-b", {"remove", "user-a"}), failed);  // the wrong name is typed
  EXPECT_TRUE(fs::exists(config("user-a", "flared")));
  expect_code(tool_with_input("user-a", {"remove", "user-a"}), done);
  EXPECT_FALSE(fs::exists(folder_ / "etc/user-a"));
  EXPECT_TRUE(fs::exists(data("user-a", "flared") / "flare.kch")) << "data is kept without --purge";

  expect_code(tool({"stop", "user-b"}), done);
  expect_code(tool_with_input("user-b", {"remove", "user-b", "--purge"}), done);
  EXPECT_FALSE(fs::exists(folder_ / "var/user-b"));
  EXPECT_TRUE(fs::exists(data("user-a", "flared") / "flare.kch"));
  EXPECT_TRUE(nlohmann::json::parse(tool({"list", "--json"}).output).at("tenants").empty());
}

TEST_F(TenantTool, WritesFilesThatTheDaemonsTake) {
  expect_code(tool({"create", "user-a"}), done);
  for (const auto* name : {"flarei", "flared"}) {
    const auto outcome = run({program(name), "-f", config("user-a", name), "--check-config"});
    EXPECT_EQ(outcome.ending.code, 0) << outcome.errors;
  }
}

TEST_F(TenantTool, PassesOverPortsThatAreTaken) {
  expect_code(tool({"create", "user-a"}), done);
  expect_code(tool({"create", "user-b"}), done);
  EXPECT_EQ(address_of("user-a", 0).port, 12120);
  EXPECT_EQ(address_of("user-b", 0).port, 12130);
  const Process listener{{.words = {"nc", "-l", "127.0.0.1", "12141"}}};
  ASSERT_TRUE(eventually([] {
    const auto sockets = read_file("/proc/net/tcp");
    return sockets.find(":2F6D 00000000:0000 0A") != std::string::npos;  // 12141 listens
  }));
  expect_code(tool({"create", "user-c"}), done);
  EXPECT_EQ(address_of("user-c", 0).port, 12150);
  expect_code(tool({"create", "user-d", "--node-port", "12141"}), failed);
  expect_code(tool({"create", "user-d", "--index-port", "12120"}), failed);  // user-a's, though it is stopped
  EXPECT_FALSE(fs::exists(folder_ / "etc/user-d"));
  EXPECT_FALSE(fs::exists(folder_ / "var/user-d"));
}

TEST_F(TenantTool, GivesTenantsMadeAtTheSameTimePortsOfTheirOwn) {
  std::vector<Process> tools;
  const std::vector<std::string> names{"a", "b", "c", "d", "e", "f"};
  for (const auto& name : names) tools.emplace_back(Command{.words = words({"create", name})});
  for (auto& running : tools) {
    const auto ending = running.wait();
    ASSERT_TRUE(ending.has_value());
    EXPECT_EQ(ending->code, 0);
  }
  expect_code(tool({"check"}), done);
  std::set<int> ports;
  for (const auto& name : names) ports.insert(address_of(name, 0).port);
  EXPECT_EQ(ports.size(), names.size());
}

TEST_F(TenantTool, TakesBackWhatItMadeWhenItCannotGoOn) {
  fs::create_directories(data("user-a", "flared"));
  write_file(data("user-a", "flared") / "flare.kch", "somebody's");
  const auto outcome = tool({"create", "user-a"});
  expect_code(outcome, failed);
  EXPECT_NE(outcome.errors.find(data("user-a", "flared").string()), std::string::npos) << outcome.errors;
  EXPECT_EQ(read_file(data("user-a", "flared") / "flare.kch"), "somebody's");
  EXPECT_FALSE(fs::exists(folder_ / "etc/user-a"));
  EXPECT_FALSE(fs::exists(data("user-a", "flarei")));
}

TEST_F(TenantTool, NeverTouchesATenantThatExists) {
  expect_code(tool({"create", "user-a"}), done);
  const auto before = read_file(config("user-a", "flared"));
  expect_code(tool({"create", "user-a", "--node-port", "23456"}), failed);
  EXPECT_EQ(read_file(config("user-a", "flared")), before);
}

TEST_F(TenantTool, MakesANodeAloneForAnIndexElsewhere) {
  expect_code(tool({"create", "user-a", "--index-server", "192.168.12.151:12120"}), done);
  EXPECT_FALSE(fs::exists(config("user-a", "flarei")));
  EXPECT_NE(read_file(config("user-a", "flared")).find("index-server-name = 192.168.12.151\n"), std::string::npos);
  expect_code(tool({"check"}), done);
}

class HostileName : public TenantTool, public testing::WithParamInterface<std::string> {};

TEST_P(HostileName, IsRefusedByEveryCommandAndMakesNothing) {
  for (const auto* command : {"create", "start", "stop", "remove", "firewall"}) {
    const auto outcome = tool({command, "--", GetParam()});
    expect_code(outcome, wrong_usage);
    EXPECT_FALSE(outcome.errors.empty()) << command;
  }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

INSTANTIATE_TEST_SUITE_P(Names, HostileName,
                         testing::Values("", "..", "../x", "/etc", "a/b", "-a", "A", "a b", "a.b", "a_b", "a\nb", "a%i",
                                         "a;reboot", "$(reboot)", "\xc3\xa4", std::string(64, 'a')));

TEST_F(TenantTool, RefusesWrongUsageWithItsOwnExitStatus) {
  expect_code(tool({}), wrong_usage);
  expect_code(tool({"destroy", "user-a"}), wrong_usage);
  expect_code(tool({"create", "user-a", "--index-port", "65536"}), wrong_usage);
  expect_code(tool({"create", "user-a", "--server-name", "a\nuser = root"}), wrong_usage);
  expect_code(tool({"start", "user-a"}), failed);  // there is none
  expect_code(tool({"--help"}), done);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

struct Planted {
  const char* name;
  std::string line;  // of flared of user-b; @ is the folder
  const char* found;
};
void PrintTo(const Planted& planted, std::ostream* out) { *out << planted.name; }

class PlantedClash : public TenantTool, public testing::WithParamInterface<Planted> {};

// An option given twice is an error too, so the line takes the place of the one that was there.
void set_line(const fs::path& file, const std::string& line) {
  const auto name = line.substr(0, line.find(" = ") + 3);
  auto text = "\n" + read_file(file);
  const auto begin = text.find("\n" + name) + 1;
  text.replace(begin, text.find('\n', begin) - begin, line);
  write_file(file, text.substr(1));
}

TEST_P(PlantedClash, MakesCheckFailWithASentence) {
  expect_code(tool({"create", "user-a"}), done);
  expect_code(tool({"create", "user-b"}), done);
  expect_code(tool({"check"}), done);
  auto line = GetParam().line;
  if (const auto at = line.find('@'); at != std::string::npos) line.replace(at, 1, folder_.path().string());
  set_line(config("user-b", "flared"), line);
  const auto outcome = tool({"check"});
  expect_code(outcome, failed);
  EXPECT_NE(outcome.output.find(GetParam().found), std::string::npos) << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(
    Hazards, PlantedClash,
    testing::Values(Planted{"port", "server-port = 12121", "both listen there"},
                    Planted{"index of the other", "index-server-port = 12120", "it is the flarei of user-a"},
                    Planted{"directory", "data-dir = @/var/user-a/flared", "share it"},
                    Planted{"directory by another path", "data-dir = @/var/user-b/../user-a/flared", "share it"},
                    Planted{"directory that is not there", "data-dir = @/nowhere", "does not exist"},
                    Planted{"relative directory", "data-dir = flared", "is relative"},
                    Planted{"tenant", "tenant = user-a", "lies in the folder of user-b"},
                    Planted{"not to be read", "server-port = many", "user-b/flared.conf"}));

TEST_F(TenantTool, CheckSaysWhichListsAreOpen) {
  expect_code(tool({"create", "user-a", "--address", "127.0.0.1", "--client-allow-from", "10.0.0.0/8"}), done);
  expect_code(tool({"create", "user-b", "--address", "0.0.0.0", "--server-name", "node.example"}), done);
  const auto outcome = tool({"check"});
  expect_code(outcome, done);  // open as the original, and said
  EXPECT_NE(outcome.output.find("user-a flared: client-allow-from: 10.0.0.0/8\n"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("warning: user-b: admin-allow-from of flared of user-b: open to everybody"),
            std::string::npos)
      << outcome.output;
  EXPECT_EQ(outcome.output.find("warning: user-a"), std::string::npos) << outcome.output;
}

TEST_F(TenantTool, StopEndsNoProcessThatThePidFileNamesWrongly) {
  expect_code(tool({"create", "user-a"}), done);
  start("user-a");
  Process bystander{{.words = {"sleep", "600"}}};
  const auto pid_file = data("user-a", "flared") / "flared.pid";
  for (const auto& text : {std::to_string(bystander.pid()), std::string{"1"}, std::string{"-1"}, std::string{}}) {
    write_file(pid_file, text + "\n");
    const auto outcome = run(words({"stop", "user-a"}));
    EXPECT_EQ(outcome.ending.code, failed) << text;
    EXPECT_NE(outcome.errors.find(pid_file.string()), std::string::npos) << outcome.errors;
  }
  EXPECT_TRUE(bystander.running());
  EXPECT_TRUE(serves(address_of("user-a", 1)));
}

TEST_F(TenantTool, PurgeLeavesADirectoryThatIsNotOfTheTenantsForm) {
  expect_code(tool({"create", "user-a"}), done);
  const auto other = folder_ / "precious";
  fs::create_directories(other);
  write_file(other / "file", "kept");
  set_line(config("user-a", "flared"), "data-dir = " + other.string());
  const auto outcome = tool_with_input("user-a", {"remove", "user-a", "--purge"});
  expect_code(outcome, done);
  EXPECT_NE(outcome.output.find("kept " + other.string()), std::string::npos) << outcome.output;
  EXPECT_EQ(read_file(other / "file"), "kept");
  EXPECT_FALSE(fs::exists(data("user-a", "flarei")));
}

TEST_F(TenantTool, FirewallPrintsTheTenantsPortsAndNetworks) {
  expect_code(tool({"create", "user-a", "--client-allow-from", "10.0.0.0/8"}), done);
  const auto outcome = tool({"firewall", "user-a", "--allow", "192.168.12.0/24"});
  expect_code(outcome, done);
  EXPECT_NE(outcome.output.find("tcp dport 12121 ip saddr { 10.0.0.0/8, 192.168.12.0/24 } accept\n"), std::string::npos)
      << outcome.output;
  expect_code(tool({"firewall", "user-a", "--allow", "everywhere"}), wrong_usage);
}

TEST_F(TenantTool, WritesDropInsOfTheUnitsAndRemovesThem) {
  const auto units = folder_ / "units";
  fs::create_directories(units);
  expect_code(tool({"--unit-root", units, "create", "user-a", "--memory-max", "512M"}), done);
  const auto drop_in = units / "flared@user-a.service.d/tenant.conf";
  EXPECT_NE(read_file(drop_in).find("SocketBindAllow=tcp:12121\n"), std::string::npos);
  EXPECT_NE(read_file(drop_in).find("MemoryMax=512M\n"), std::string::npos);
  expect_code(tool_with_input("user-a", {"--unit-root", units, "remove", "user-a"}), done);
  EXPECT_TRUE(fs::is_empty(units));
}

// The units are checked, not run: that needs a machine whose first process is systemd.
TEST_F(TenantTool, UnitsWithTheirDropInsAreGoodForSystemd) {
  const auto units = folder_ / "units";
  fs::create_directories(units);
  expect_code(tool({"--unit-root", units, "create", "user-a", "--memory-max", "512M", "--client-allow-from",
                    "10.0.0.0/8", "--cluster-allow-from", "10.0.0.0/8", "--admin-allow-from", "127.0.0.1"}),
              done);
  for (const std::string name : {"flarei", "flared"}) {
    auto text = read_file(fs::path{FLARE_SOURCE_DIR} / "conf/systemd" / (name + "@.service"));
    const auto start = "ExecStart=" + name;
    ASSERT_NE(text.find(start), std::string::npos);
    write_file(units / (name + "@.service"),
               text.replace(text.find(start), start.size(), "ExecStart=" + program(name)));
  }
  for (const std::string name : {"flarei", "flared"}) {
    const auto unit = units / (name + "@user-a.service");
    fs::copy_file(units / (name + "@.service"), unit);
    const auto verified = run({"systemd-analyze", "verify", "--man=no", unit});
    EXPECT_EQ(verified.ending.code, 0) << verified.errors;
    EXPECT_TRUE(verified.errors.empty()) << verified.errors;
    const auto security = run({"systemd-analyze", "security", "--offline=yes", "--threshold=25", unit});
    EXPECT_EQ(security.ending.code, 0) << "exposure above 2.5: " << security.output;
    std::printf("%s (checked by systemd-analyze, not run)\n",
                security.output.substr(std::min(security.output.find("Overall"), security.output.size() - 1)).c_str());
  }
}

}  // namespace
}  // namespace flare::test
