// Commands of the text protocol (docs/spec/protocol.md 1-3) that need real daemons: connections, dumps, restarts.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/binary_packets.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/socket_buffers.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t master = 0;
constexpr std::size_t other = 1;
constexpr const char* all_is_well = "VERSION 2.0.0";

class TextProtocol : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start() {
    cluster_.start();
    cluster_.make_master(master);
  }
  [[nodiscard]] TextClient client(std::size_t node = master) const { return TextClient{cluster_.node(node)}; }
  [[nodiscard]] std::string ask(const std::string& request, std::size_t node = master) const {
    return client(node).ask(request);
  }
  // Remembered like any other write, and there again after it.
  void kill_and_restart() {
    cluster_.node_process(master).kill();
    cluster_.start_node(master);
    ASSERT_TRUE(cluster_.becomes(master, "master", "active"));
    ASSERT_TRUE(eventually([&] { return ask("delete nothing") == "NOT_FOUND"; }));
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}}};
};

// The ids of the request connections of a node, as `stats threads` tells them.
std::set<std::string> ids_seen_by(TextClient& client) {
  std::set<std::string> ids;
  for (const auto& line : client.ask_all("stats threads")) {
    const std::string_view begin = "STAT ";
    const auto colon = line.find(":type 1");
    if (line.starts_with(begin) && colon != std::string::npos) {
      ids.insert(line.substr(begin.size(), colon - begin.size()));
    }
  }
  return ids;
}

// Of a connection that was opened after `before` was seen.
std::string new_id(TextClient& watcher, const std::set<std::string>& before) {
  for (const auto& id : ids_seen_by(watcher)) {
    if (!before.contains(id)) return id;
  }
  return {};
}

TEST_F(TextProtocol, KillEndsAnotherClientsConnection) {
  start();
  auto killer = client();
  const auto before = ids_seen_by(killer);
  auto killed = client();
  ASSERT_EQ(killed.ask("version"), all_is_well);
  const auto id = new_id(killer, before);
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(killer.ask("kill " + id), "OK");
  EXPECT_TRUE(killed.closed_by_peer());
  EXPECT_TRUE(eventually([&] { return killer.ask("kill " + id) == "CLIENT_ERROR thread not found"; }));
  EXPECT_EQ(killer.ask("version"), all_is_well);
}

TEST_F(TextProtocol, KillOfTheOwnConnectionIsAnsweredFirst) {
  start();
  auto watcher = client();
  const auto before = ids_seen_by(watcher);
  auto own = client();
  ASSERT_EQ(own.ask("version"), all_is_well);
  const auto id = new_id(watcher, before);
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(own.ask("kill " + id), "OK");
  EXPECT_TRUE(own.closed_by_peer());
  EXPECT_EQ(watcher.ask("version"), all_is_well);
}

// protocol.md 2: at once, also where the end of an answer would never come.
TEST_F(TextProtocol, KillEndsTheConnectionOfAClientThatDoesNotRead) {
  start();
  auto killer = client();
  ASSERT_EQ(killer.ask("set large 0 0 1000000\r\n" + std::string(1'000'000, 'v')), "STORED");
  const auto before = ids_seen_by(killer);
  auto stuck = client();
  std::string requests;
  for (std::size_t bytes = 0; bytes <= 2 * connection_bytes_max(); bytes += 1'000'000) requests += "get large\r\n";
  stuck.send(requests);
  std::string id;
  ASSERT_TRUE(eventually([&] {
    id = new_id(killer, before);
    return stat_value(killer.ask_all("stats threads"), id + ":state") == "execute";
  }));
  EXPECT_EQ(killer.ask("kill " + id), "OK");
  EXPECT_TRUE(eventually([&] { return !ids_seen_by(killer).contains(id); }));
}

// protocol.md 9.15: with the original an id could be that of an internal thread.
TEST_F(TextProtocol, KillReachesConnectionsOnly) {
  start();
  auto asking = client();
  const auto ids = ids_seen_by(asking);
  for (int id = -2; id < 64; ++id) {
    if (ids.contains(std::to_string(id))) continue;
    EXPECT_EQ(asking.ask("kill " + std::to_string(id)), "CLIENT_ERROR thread not found") << id;
  }
  for (const auto* bad : {"kill", "kill x", "kill 1 2", "kill 2147483648"}) EXPECT_EQ(asking.ask(bad), "ERROR") << bad;
  EXPECT_EQ(asking.ask("set k 0 0 1\r\nv"), "STORED");
}

TEST_F(TextProtocol, KeysIsNotAvailableOnKchAtAnyNode) {
  start();
  ASSERT_TRUE(cluster_.settles());
  for (const auto node : {master, other}) {
    auto asking = client(node);
    for (const auto* good : {"keys a 1", "keys a b 10", "keys k 2147483647"}) {
      EXPECT_EQ(asking.ask(good), "SERVER_ERROR not available on current storage type") << good;
    }
    for (const auto* bad : {"keys", "keys k", "keys k 0", "keys k -1", "keys k x", "keys k 2147483648"}) {
      EXPECT_EQ(asking.ask(bad), "ERROR") << bad;
    }
  }
}

class Dump : public TextProtocol {
 protected:
  static constexpr int count = 40;
  static constexpr int many = 500;

  static std::string key(int number) { return "d" + std::to_string(number); }

  void fill() {
    start();
    auto writing = client();
    for (int number = 0; number < count; ++number)
      ASSERT_EQ(writing.ask("set " + key(number) + " 7 0 1\r\nv"), "STORED");
  }
  // 2 MB, so that a dump has several pieces: of 100 entries or 256 KiB, whichever is more.
  void fill_with_much() {
    start();
    const std::string value(4'000, 'v');
    std::string requests;
    for (int number = 0; number < many; ++number) requests += "set " + key(number) + " 7 0 4000\r\n" + value + "\r\n";
    auto writing = client();
    writing.send(requests);
    for (int number = 0; number < many; ++number) ASSERT_EQ(writing.read_line(), "STORED");
  }
  [[nodiscard]] std::set<std::string> keys_of(const std::string& request) const {
    auto asking = client();
    const auto lines = asking.ask_all(request);
    EXPECT_EQ(lines.back(), "END") << request;
    std::set<std::string> keys(lines.begin(), lines.end() - 1);
    EXPECT_EQ(keys.size(), lines.size() - 1) << request << ": a key twice";
    return keys;
  }
};

TEST_F(Dump, TellsEntriesWithVersionAndExpire) {
  start();
  auto asking = client();
  ASSERT_EQ(asking.ask("set plain 7 0 5\r\nhello"), "STORED");
  ASSERT_EQ(asking.ask("set plain 8 0 2\r\nhi"), "STORED");
  ASSERT_EQ(asking.ask("set until 0 4000000000 0\r\n"), "STORED");
  ASSERT_EQ(asking.ask("set over 0 2592001 1\r\nx"), "STORED");  // in 1970
  for (const auto* request : {"dump", "dump 0", "dump 10 0 1", "dump 0 -1 0", "dump abc"}) {
    auto lines = asking.ask_all(request);
    ASSERT_EQ(lines.size(), 5U) << request;
    EXPECT_EQ(lines.back(), "END") << request;
    const auto plain = std::find(lines.begin(), lines.end(), "VALUE plain 8 2 2 0");
    ASSERT_NE(plain, lines.end()) << request;
    EXPECT_EQ(*(plain + 1), "hi") << request;
    EXPECT_NE(std::find(lines.begin(), lines.end(), "VALUE until 0 0 1 4000000000"), lines.end()) << request;
  }
  EXPECT_EQ(keys_of("dump_key"), (std::set<std::string>{"KEY plain", "KEY until", "KEY over"}));
}

TEST_F(Dump, OfAPartitionHasItsKeysOnlyAndAllPartitionsHaveAll) {
  fill();
  const auto all = keys_of("dump_key");
  ASSERT_EQ(all.size(), static_cast<std::size_t>(count));
  EXPECT_EQ(keys_of("dump_key 0 1"), all);
  for (const int size : {2, 3, 5}) {
    std::set<std::string> together;
    std::size_t sum = 0;
    for (int partition = 0; partition < size; ++partition) {
      const auto part = keys_of("dump_key " + std::to_string(partition) + " " + std::to_string(size));
      EXPECT_LT(part.size(), all.size()) << partition << " of " << size;
      sum += part.size();
      together.insert(part.begin(), part.end());
    }
    EXPECT_EQ(sum, all.size()) << size;
    EXPECT_EQ(together, all) << size;
  }
  auto asking = client();
  const auto first = keys_of("dump_key 0 2");
  EXPECT_EQ(asking.ask_all("dump 0 0 2").size(), first.size() * 2 + 1);
}

TEST_F(Dump, OfAPartitionThatCannotBeIsRefused) {
  fill();
  auto asking = client();
  for (const auto* bad : {"dump_key 0 1024", "dump_key 2 2", "dump_key 0 0", "dump_key -1 2", "dump_key -2 2",
                          "dump_key 0 -1", "dump_key 0 2 -1", "dump -1", "dump 0 2 2", "dump_key 0 2147483648"}) {
    EXPECT_EQ(asking.ask(bad), "ERROR") << bad;
  }
  EXPECT_EQ(asking.ask("version"), all_is_well);
}

// cluster.md 9.18: the original answers `database busy` to the second.
TEST_F(Dump, RunsWhileOthersRunAndClientsAreServed) {
  fill_with_much();
  auto slow = client();
  auto quick = client();
  slow.send("dump 0 0 1 25\r\n");  // 2 MB at 25 KB/s: longer than all that follows takes
  ASSERT_TRUE(slow.read_line().starts_with("VALUE "));
  EXPECT_EQ(quick.ask_all("dump_key").size(), many + 1U);
  EXPECT_EQ(quick.ask_all("dump").size(), 2U * many + 1);
  EXPECT_EQ(quick.ask("set other 0 0 1\r\nv"), "STORED");
  while (slow.receive_within(Milliseconds{0}) == TextClient::Received::bytes) {
  }
  EXPECT_FALSE(slow.received().ends_with("END\r\n")) << "the slow one has ended before the others";
}

TEST_F(Dump, KeepsToItsBandwidth) {
  fill_with_much();
  auto slow = client();
  const auto begin = SteadyClock::now();
  EXPECT_EQ(slow.ask_all("dump 0 0 1 500").size(), 2U * many + 1);  // 2 MB at 500 KB/s, the last piece at once
  EXPECT_GE(SteadyClock::now() - begin, Milliseconds{2'500});
}

TEST_F(Dump, IsEndedByKillHoweverSlowItIs) {
  fill_with_much();
  for (const auto* request : {"dump 0 0 1 1", "dump 1000000", "dump 9223372036854775807"}) {
    auto killer = client();
    const auto before = ids_seen_by(killer);
    auto slow = client();
    slow.send(std::string{request} + "\r\n");
    ASSERT_TRUE(slow.read_line().starts_with("VALUE ")) << request << ": the first piece comes at once";
    const auto id = new_id(killer, before);
    ASSERT_EQ(killer.ask("kill " + id), "OK");
    EXPECT_TRUE(slow.closed_by_peer()) << request;
  }
}

TEST_F(Dump, PausesForEachEntryByItsFirstNumber) {
  fill_with_much();
  auto slow = client();
  const auto begin = SteadyClock::now();
  EXPECT_EQ(slow.ask_all("dump 2000").size(), 2U * many + 1);  // 2 ms, but not behind the last piece
  EXPECT_GE(SteadyClock::now() - begin, Milliseconds{500});
}

class HeldDelete : public TextProtocol {
 protected:
  void hold(const std::string& key) {
    auto asking = client();
    ASSERT_EQ(asking.ask("set " + key + " 0 0 1\r\n1"), "STORED");
    ASSERT_EQ(asking.ask("delete " + key + " 600"), "DELETED");
  }
  void expect_held(const std::string& key, std::size_t node = master) const {
    auto asking = client(node);
    EXPECT_EQ(asking.ask("add " + key + " 0 0 1\r\n1"), "NOT_STORED");
    EXPECT_EQ(asking.ask("replace " + key + " 0 0 1\r\n1"), "NOT_STORED");
    EXPECT_EQ(asking.ask("append " + key + " 0 0 1\r\n1"), "NOT_STORED");
    EXPECT_EQ(asking.ask("touch " + key + " 0"), "NOT_FOUND");
    EXPECT_EQ(asking.ask("incr " + key + " 1"), "NOT_FOUND");
    EXPECT_EQ(asking.ask("get " + key), "END");
  }
  void expect_set_ends_it(const std::string& key, std::size_t node = master) const {
    auto asking = client(node);
    EXPECT_EQ(asking.ask("set " + key + " 0 0 1\r\n1"), "STORED");
    EXPECT_EQ(asking.ask("delete " + key), "DELETED");
    EXPECT_EQ(asking.ask("add " + key + " 0 0 1\r\n1"), "STORED");
  }
};

TEST_F(HeldDelete, RefusesAddAndReplaceUntilASet) {
  start();
  hold("k");
  expect_held("k");
  expect_set_ends_it("k");
}

TEST_F(HeldDelete, EndsByItself) {
  start();
  ASSERT_EQ(ask("set k 0 0 1\r\n1"), "STORED");
  auto asking = client();
  ASSERT_EQ(asking.ask("delete k 2\r\nadd k 0 0 1\r\n1"), "DELETED");  // together: before the hold can be over
  EXPECT_EQ(asking.read_line(), "NOT_STORED");
  EXPECT_TRUE(eventually([&] { return ask("add k 0 0 1\r\n1") == "STORED"; }));
}

// protocol.md 9.9: with the original it is void then.
TEST_F(HeldDelete, HoldsAfterTheDaemonWasKilled) {
  start();
  hold("k");
  kill_and_restart();
  expect_held("k");
  expect_set_ends_it("k");
}

TEST_F(HeldDelete, HoldsAtASlaveThatIsPromoted) {
  start();
  hold("before");  // comes with the snapshot
  cluster_.make_slave(other);
  hold("after");  // comes with the log
  const auto sequence = [&](std::size_t node) {
    return ask_stat(cluster_.node(node), "stats replication", "sequence");
  };
  ASSERT_TRUE(eventually([&] { return sequence(other) == sequence(master); }));
  cluster_.node_process(master).kill();
  ASSERT_TRUE(cluster_.becomes(other, "master", "active"));
  ASSERT_TRUE(eventually([&] { return ask("delete nothing", other) == "NOT_FOUND"; }));
  for (const auto* key : {"before", "after"}) {
    expect_held(key, other);
    expect_set_ends_it(key, other);
  }
}

TEST_F(TextProtocol, VersionsGoOnAfterDeleteAndRestart) {
  start();
  const auto version_of = [&](const std::string& key) {
    const auto lines = client().ask_all("gets " + key);
    return lines.front().substr(lines.front().rfind(' ') + 1);
  };
  for (const auto* key : {"kept", "deleted"}) {
    ASSERT_EQ(ask("set " + std::string{key} + " 0 0 1\r\n1"), "STORED");
    ASSERT_EQ(ask("set " + std::string{key} + " 0 0 1\r\n2"), "STORED");
  }
  ASSERT_EQ(ask("delete deleted"), "DELETED");
  ASSERT_EQ(ask("add deleted 0 0 1\r\n3"), "STORED");
  EXPECT_EQ(version_of("deleted"), "3");
  ASSERT_EQ(ask("delete deleted"), "DELETED");
  kill_and_restart();
  EXPECT_EQ(version_of("kept"), "2");
  for (const auto* key : {"kept", "deleted"}) ASSERT_EQ(ask("set " + std::string{key} + " 0 0 1\r\n4"), "STORED");
  EXPECT_EQ(version_of("kept"), "3");
  EXPECT_EQ(version_of("deleted"), "4");
}

// protocol.md 9.13: an answer to what asked for none would put the client out of step.
const Lines quiet_writes{"set k 0 0 1 noreply\r\nv",    "add k 0 0 1 noreply\r\nv", "cas k 0 0 1 9 noreply\r\nv",
                         "append k 0 0 1 noreply\r\nv", "delete k noreply",         "incr k 1 noreply",
                         "touch k 0 noreply",           "gat k 0 noreply",          "set k 0 0 1 sync noreply\r\nv"};

TEST_F(TextProtocol, NoreplySilencesErrorsWhereNoPartitionExists) {
  cluster_.start();
  EXPECT_EQ(ask("set k 0 0 1\r\nv"), "SERVER_ERROR no partition available");
  auto asking = client();
  for (const auto& write : quiet_writes) {
    EXPECT_EQ(asking.ask(write + "\r\nversion"), all_is_well) << write;
  }
}

TEST_F(TextProtocol, NoreplySilencesErrorsOfAProxyWhoseMasterIsGone) {
  start();
  ASSERT_TRUE(cluster_.settles());
  ASSERT_EQ(ask("set k 0 0 1\r\nv", other), "STORED");
  cluster_.node_process(master).kill();
  EXPECT_TRUE(ask("set k 0 0 1\r\nv", other).starts_with("SERVER_ERROR proxy "));
  auto asking = client(other);
  for (const auto& write : quiet_writes) {
    EXPECT_EQ(asking.ask(write + "\r\nversion"), all_is_well) << write;
  }
}

TEST_F(TextProtocol, NoreplySilencesRefusalsOfTheMaster) {
  start();
  auto asking = client();
  ASSERT_EQ(asking.ask("set text 0 0 3\r\nabc"), "STORED");
  for (const auto* write : {"incr text 1 noreply", "set k x 0 1 noreply\r\nv", "add text 0 0 1 noreply\r\nv",
                            "set k 0 0 1 99999999999999999 noreply\r\nv"}) {
    EXPECT_EQ(asking.ask(std::string{write} + "\r\nversion"), all_is_well) << write;
  }
  EXPECT_EQ(asking.ask_all("get text k"), (Lines{"VALUE text 0 3", "abc", "END"}));
}

// protocol.md 1: words at the end, in any order and number; a flag, not a promise, for a master without slaves.
TEST_F(TextProtocol, TakesSyncAndAsyncWhereTheOriginalDoes) {
  start();
  auto asking = client();
  const std::vector<std::pair<std::string, std::string>> rows{
      {"set n 0 0 1 sync\r\n5", "STORED"},
      {"add m 0 0 1 async\r\n5", "STORED"},
      {"replace m 0 0 1 sync async sync\r\n6", "STORED"},
      {"append m 0 0 1 async\r\n7", "STORED"},
      {"prepend m 0 0 1 sync\r\n7", "STORED"},
      {"cas n 0 0 1 1 sync\r\n5", "STORED"},
      {"set n 0 0 1 0 sync\r\n5", "STORED"},
      {"incr n 1 sync", "6"},
      {"decr n 1 async", "5"},
      {"delete m sync", "DELETED"},
      {"delete n 0 async", "DELETED"},
      {"delete n 0 0 sync", "NOT_FOUND"},
      {"verbosity 1 async", "OK"},
      {"flush_all async", "OK"},
      {"touch n 0 sync", "ERROR"},
      {"set n 0 0 1 other\r\n5", "ERROR"},
      {"version sync noreply", all_is_well},
  };
  for (const auto& [sent, expected] : rows) EXPECT_EQ(asking.ask(sent), expected) << sent;
  EXPECT_EQ(asking.ask_all("get sync async"), Lines{"END"}) << "of a get they are keys";
}

// protocol.md 4: a binary noop is a ping. A foreign index makes the node unwell on that index's connection.
TEST_F(TextProtocol, BinaryNoopTellsWhatPingTells) {
  start();
  const auto noop = request_packet({.opcode = 0x0a});
  auto asking = client();
  asking.send(noop);
  EXPECT_EQ(asking.read_exactly(24), answer_packet({.opcode = 0x0a}));
  const auto answer =
      asking.ask("node sync 9999\r\nNODE 127.0.0.1 12121 2 0 -1 0 16 cluster=" + std::string(32, 'a') + "\r\nEND");
  ASSERT_TRUE(answer.starts_with("SERVER_ERROR")) << answer;
  ASSERT_EQ(asking.ask("ping"), "SERVER_ERROR foreign index");
  asking.send(noop);
  const auto unwell = answer_packet({.opcode = 0x0a, .value = "foreign index", .status = 0x84});
  EXPECT_EQ(asking.read_exactly(unwell.size()), unwell);
}

}  // namespace
}  // namespace flare::test
