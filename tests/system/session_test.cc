// The session of the README: two tenants on one farm, set up by config file, --daemonize and telnet. Once on loopback
// addresses with bind-address, once with the addresses as written, in network namespaces.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <memory>
#include <thread>

#include "support/cluster.h"
#include "support/farm_network.h"
#include "support/private_network.h"
#include "support/process.h"
#include "support/temp_dir.h"
#include "support/transcript.h"

namespace flare::test {
namespace {

const std::string golden_file = std::string{FLARE_GOLDEN_DIR} + "/cluster-seed-session.txt";
const std::string golden_net = "192.168.12.";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Where the hosts of the session are: the first three numbers of their addresses, and how a process gets to one.
struct Setting {
  std::string net{};
  bool bind_addresses = false;
  const FarmNetwork* farm = nullptr;

  [[nodiscard]] std::string host(int number) const { return net + std::to_string(number); }
  [[nodiscard]] std::string network(int number) const {
    return farm == nullptr ? std::string{} : farm->network_of(host(number));
  }
};

/// One tenant with its directory, config files and daemons.
class Tenant {
 public:
  Tenant(const Setting& setting, std::filesystem::path folder, std::uint16_t index_port)
      : setting_{setting}, folder_{std::move(folder)}, index_port_{index_port} {
    write_configs();
  }

  [[nodiscard]] std::uint16_t node_port() const { return static_cast<std::uint16_t>(index_port_ + 1); }
  [[nodiscard]] Address index() const { return {setting_.host(151), index_port_}; }
  [[nodiscard]] Address node(int number) const { return {setting_.host(number), node_port()}; }

  void start() {
    start_daemon("flarei", 151);
    for (const int number : nodes) start_daemon("flared", number);
  }

  // The master last: then it keeps its partition and returns as its master (cluster.md 4.3, 4.4).
  void stop() {
    for (const int number : {154, 153, 152, 151}) {
      const auto ending = daemons_.at(number)->stop(SIGTERM);
      ASSERT_TRUE(ending.has_value()) << number << " does not end by SIGTERM";
      EXPECT_EQ(ending->code, 0) << number;
      EXPECT_FALSE(std::filesystem::exists(pid_file(number))) << "pid file is left behind";
      daemons_.erase(number);
    }
  }

  [[nodiscard]] std::string status() const {
    return run({program("flare-status"), key_of(index())}, Milliseconds{20'000}, setting_.network(151)).output;
  }

  [[nodiscard]] std::map<std::string, NodeView> map() const {
    return read_map(TextClient{index()}.ask_all("stats nodes"));
  }

  static constexpr int nodes[] = {152, 153, 154};

 private:
  [[nodiscard]] std::filesystem::path data_of(int number) const {
    return folder_ / (std::to_string(number) + (number == 151 ? "-flarei" : "-flared"));
  }
  [[nodiscard]] std::filesystem::path config_of(int number) const { return data_of(number).string() + ".conf"; }
  [[nodiscard]] std::filesystem::path pid_file(int number) const {
    return data_of(number) / (number == 151 ? "flarei.pid" : "flared.pid");
  }

  void write_config(int number, const std::string& lines) const {
    std::filesystem::create_directories(data_of(number));
    std::string text = "data-dir = " + data_of(number).string() + "\nlog-facility = local0\n";
    text += "server-name = " + setting_.host(number) + "\n" + lines;
    if (setting_.bind_addresses) text += "bind-address = " + setting_.host(number) + "\n";
    write_file(config_of(number), text);
  }

  void write_configs() const {
    write_config(151, "server-port = " + std::to_string(index_port_) +
                          "\nmonitor-threshold=3\nmonitor-interval=1\nmonitor-read-timeout=60000\n");
    for (const int number : nodes) {
      write_config(number, "storage-bucket-size = 16777216\nstorage-large = true\nindex-server-name = " +
                               setting_.host(151) + "\nindex-server-port = " + std::to_string(index_port_) +
                               "\nserver-port = " + std::to_string(node_port()) + "\n");
    }
  }

  void start_daemon(const std::string& name, int number) {
    const auto outcome =
        run({program(name), "-f", config_of(number), "--daemonize"}, Milliseconds{60'000}, setting_.network(number));
    ASSERT_TRUE(outcome.in_time) << name << " " << number << " does not come back from --daemonize";
    ASSERT_EQ(outcome.ending.code, 0) << name << " " << number << ": " << outcome.errors;
    daemons_[number] = std::make_unique<Daemon>(read_pid_file(pid_file(number)));
    ASSERT_GT(daemons_[number]->pid(), 1);
    EXPECT_TRUE(serves(number == 151 ? index() : node(number))) << "the parent ended before its child served";
  }

  Setting setting_;
  std::filesystem::path folder_;
  std::uint16_t index_port_;
  std::map<int, std::unique_ptr<Daemon>> daemons_;
};

/// Uses a tenant all the time from a thread of its own and counts what went wrong.
class Visitor {
 public:
  explicit Visitor(const Address& address) : thread_{[this, address] { visit(address); }} {}
  ~Visitor() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  int faults() {
    ended_ = true;
    thread_.join();
    return faults_;
  }
  [[nodiscard]] int visits() const { return visits_; }

 private:
  void visit(const Address& address) {
    try {
      TextClient client{address};
      while (!ended_) {
        client.send("set visits 0 0 1\r\nv\r\nget test\r\n");
        const auto stored = client.read_line();
        const auto answer = client.read_until_end();
        if (stored != "STORED" || answer != std::vector<std::string>{"VALUE test 0 5", "abcde", "END"}) ++faults_;
        ++visits_;
        std::this_thread::sleep_for(poll_pause);  // a visitor, not a load test
      }
    } catch (const std::runtime_error&) {
      ++faults_;
    }
  }

  std::atomic<bool> ended_ = false;
  std::atomic<int> visits_ = 0;
  std::atomic<int> faults_ = 0;
  std::thread thread_;
};

class Session : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    enter_private_network();
    adopt_orphans();
  }

  // All of the file up to the cable that is cut: that part is about split brain (cluster.md 9.2), not this session.
  void replay(Replay& golden, const Setting& setting, const Tenant& a, const Tenant& b) {
    for (auto exchange : golden.exchanges()) {
      if (exchange.comment.find("network cut") != std::string::npos) break;
      for (auto& line : exchange.sent) line = replaced(line, golden_net, setting.net);
      for (auto& line : exchange.expected) line = replaced(line, golden_net, setting.net);
      const bool of_index = exchange.comment.starts_with("flarei");
      const auto& tenant = exchange.comment.find("tenant a") != std::string::npos ? a : b;
      const bool second_slave_line = exchange.comment.find("now active") != std::string::npos ||
                                     exchange.comment.find("slave is active") != std::string::npos;
      if (of_index && second_slave_line) wait_for_slave(tenant);
      golden.play_at(of_index ? tenant.index() : tenant.node(154), exchange);
    }
  }

  static void wait_for_slave(const Tenant& tenant) {
    const auto key = key_of(tenant.node(153));
    EXPECT_TRUE(eventually([&] { return tenant.map().at(key).state == "active"; }, Milliseconds{20'000}));
  }

  static std::string expected_status(const Setting& setting, std::uint16_t port) {
    const auto text =
        " server:port            role     state   balance  partition  items\n"
        "--------------------------------------------------------------------\n"
        " 192.168.12.152:12121   master   active     1         0          1\n"
        " 192.168.12.153:12121   slave    active     1         0          1\n"
        " 192.168.12.154:12121   proxy    active     0        -1          0\n"
        "--------------------------------------------------------------------\n"
        " sum                                                             2\n";
    const auto with_port = replaced(text, ":12121", ":" + std::to_string(port));
    // Addresses of another length move nothing: the column is 22 wide.
    const auto padding = std::string(golden_net.size() - setting.net.size(), ' ');
    std::string moved = replaced(with_port, golden_net, setting.net);
    return padding.empty() ? moved : replaced(moved, ":" + std::to_string(port), ":" + std::to_string(port) + padding);
  }

  void expect_status(const Tenant& tenant, const Setting& setting) {
    const auto expected = expected_status(setting, tenant.node_port());
    std::string shown;
    EXPECT_TRUE(eventually([&] { return (shown = tenant.status()) == expected; })) << "expected:\n"
                                                                                   << expected << "shown:\n"
                                                                                   << shown;
  }

  static void give_slave_back(const Tenant& tenant) {
    const auto line = "node role " + tenant.node(153).name + " " + std::to_string(tenant.node_port()) + " slave 1 0";
    EXPECT_TRUE(eventually([&] { return tenant.map().at(key_of(tenant.node(152))).state == "active"; }));
    EXPECT_TRUE(eventually([&] { return TextClient{tenant.index()}.ask(line) == "OK"; }));
    wait_for_slave(tenant);
    EXPECT_EQ(TextClient{tenant.index()}.ask(line), "OK");
  }

  // Tenant b is stopped and started again while a is used all the time.
  void restart_one(Tenant& a, Tenant& b, const Setting& setting) {
    Visitor visitor{a.node(154)};
    b.stop();
    const auto at_stop = visitor.visits();
    EXPECT_TRUE(eventually([&] { return visitor.visits() > at_stop + 10; })) << "a is disturbed by the stop of b";
    b.start();
    give_slave_back(b);
    expect_status(b, setting);
    EXPECT_EQ(TextClient{b.node(154)}.ask_all("get test"),
              (std::vector<std::string>{"VALUE test 0 5", "12345", "END"}));
    EXPECT_EQ(visitor.faults(), 0);
    EXPECT_GT(visitor.visits(), 0);
  }

  void run_session(const Setting& setting) {
    Replay golden{golden_file, std::string{FLARE_SOURCE_DIR} + "/docs/compatibility.md"};
    const TempDir folder;
    Tenant a{setting, folder / "user-a", 12120};
    Tenant b{setting, folder / "user-b", 12130};
    ASSERT_NO_FATAL_FAILURE(a.start());
    ASSERT_NO_FATAL_FAILURE(b.start());
    replay(golden, setting, a, b);
    expect_status(a, setting);
    expect_status(b, setting);
    restart_one(a, b, setting);
    golden.finish();
  }
};

TEST_F(Session, RunsOnLoopbackWithBindAddress) {
  run_session({.net = "127.12.0.", .bind_addresses = true, .farm = nullptr});
}

TEST_F(Session, RunsWithItsOwnAddressesInNetworkNamespaces) {
  const FarmNetwork farm{"192.168.12.1", {"192.168.12.151", "192.168.12.152", "192.168.12.153", "192.168.12.154"}};
  run_session({.net = golden_net, .bind_addresses = false, .farm = &farm});
}

}  // namespace
}  // namespace flare::test
