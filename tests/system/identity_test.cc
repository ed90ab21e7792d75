// docs/spec/cluster.md 8, each hazard with `tenant` named and without (docs/operations.md has the table). After each
// case both tenants' maps, keys and files are what they were.
#include <gmock/gmock.h>

#include "support/private_network.h"
#include "support/tenants.h"

namespace flare::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto master = Tenants::master;
constexpr auto proxy = Tenants::proxy;
constexpr int wrong_configuration = 78;
constexpr int in_use = 78;

class Hazard : public testing::TestWithParam<bool> {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  [[nodiscard]] static bool named() { return GetParam(); }
  [[nodiscard]] Cluster& a() { return tenants_.a(); }
  [[nodiscard]] Cluster& b() { return tenants_.b(); }

  // One sentence that names both sides: by their tenants where they have names, else by the ids of their clusters.
  void expect_refused(const Outcome& outcome) {
    EXPECT_TRUE(outcome.in_time) << outcome.errors;
    EXPECT_EQ(outcome.ending.code, wrong_configuration) << outcome.errors;
    if (named()) {
      EXPECT_THAT(outcome.errors, AllOf(HasSubstr("user-a"), HasSubstr("user-b")));
    }
  }

  // Stops a daemon, gives its words, and expects that the wrong start changed no byte of either directory.
  void expect_refused_untouched(const std::string& name, Cluster& cluster, const Address& daemon,
                                const std::vector<std::string>& words,
                                const std::vector<std::filesystem::path>& directories) {
    std::vector<std::map<std::string, std::string>> before;
    before.reserve(directories.size());
    for (const auto& directory : directories) before.push_back(files_of(directory));
    expect_refused(start_of(name, cluster, daemon, words));
    for (std::size_t i = 0; i < directories.size(); ++i) {
      EXPECT_TRUE(files_of(directories[i]) == before[i]) << directories[i] << " was changed";
    }
  }

  void restart(Cluster& cluster, std::size_t number) {
    cluster.start_node(number);
    if (number == master) {
      EXPECT_TRUE(cluster.becomes(master, "master", "active"));
    }
  }

  [[nodiscard]] std::vector<std::string> index_port_of(Cluster& cluster) const {
    return {"--index-server-port", std::to_string(cluster.index().port)};
  }

  [[nodiscard]] bool shown_as_foreign(Cluster& cluster) const {
    return eventually([&] {
      for (const auto& line : TextClient{cluster.index()}.ask_all("stats threads")) {
        if (line.ends_with(":info foreign")) return true;
      }
      return false;
    });
  }

  Tenants tenants_{named()};
};

TEST_P(Hazard, IndexPortOfTheOtherTenant) {
  ASSERT_TRUE(a().node_process(master).stop());
  const auto map_of_b = b().map();
  expect_refused_untouched("flared", a(), a().node(master), index_port_of(b()), {a().data_of(a().node(master))});
  EXPECT_EQ(b().map(), map_of_b) << "refused before anything is registered";
  restart(a(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, IndexPortOfTheOtherTenantNamesBothClusters) {
  ASSERT_TRUE(a().node_process(master).stop());
  const auto outcome = start_of("flared", a(), a().node(master), index_port_of(b()));
  EXPECT_THAT(outcome.errors, HasSubstr(cluster_id_of(a().index())));
  EXPECT_THAT(outcome.errors, HasSubstr(cluster_id_of(b().index())));
  restart(a(), master);
}

// Without a tenant's name an empty directory cannot show the mistake (docs/operations.md): the node joins, as a proxy
// that holds nothing. With the right index it is refused afterwards, until its directory is freed.
TEST_P(Hazard, RightIndexAfterAWrongStart) {
  const Address fresh{"127.0.0.1", 12125};
  const auto data = tenants_.folder("fresh");
  const std::vector<std::string> own{"--server-port", "12125", "--data-dir", data};
  auto wrong = own;
  const auto other_index = index_port_of(b());
  wrong.insert(wrong.end(), other_index.begin(), other_index.end());
  if (named()) {
    expect_refused_untouched("flared", a(), a().node(proxy), wrong, {data});
    EXPECT_TRUE(tenants_.undisturbed());
    return;
  }
  {
    std::vector<std::string> words{program("flared"), "-f", a().config_of(a().node(proxy)), "--stderr"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    Process joined{{.words = words}};
    ASSERT_TRUE(eventually([&] { return b().map()["127.0.0.1:12125"].state == "active"; }));
    EXPECT_TRUE(eventually([&] { return serves(fresh); }));
    ASSERT_TRUE(joined.stop());
  }
  const auto refused = start_of("flared", a(), a().node(proxy), own);
  EXPECT_EQ(refused.ending.code, wrong_configuration) << refused.errors;
  EXPECT_THAT(refused.errors, AllOf(HasSubstr(cluster_id_of(a().index())), HasSubstr(cluster_id_of(b().index()))));

  auto freeing = own;
  freeing.emplace_back("--rebind");
  const auto freed = start_of("flared", a(), a().node(proxy), freeing);
  EXPECT_EQ(freed.ending.code, 0) << freed.errors;
  {
    std::vector<std::string> words{program("flared"), "-f", a().config_of(a().node(proxy)), "--stderr"};
    words.insert(words.end(), own.begin(), own.end());
    Process joined{{.words = words}};
    EXPECT_TRUE(eventually([&] { return a().map()["127.0.0.1:12125"].state == "active"; }));
    ASSERT_TRUE(joined.stop());
  }
  EXPECT_TRUE(eventually([&] { return a().ask_index("node remove 127.0.0.1 12125") == "OK"; }));
  EXPECT_TRUE(eventually([&] { return b().ask_index("node remove 127.0.0.1 12125") == "OK"; }));
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, RebindLeavesAStoreWithRecordsAlone) {
  ASSERT_TRUE(a().node_process(master).stop());
  const auto outcome = start_of("flared", a(), a().node(master), {"--rebind"});
  EXPECT_EQ(outcome.ending.code, wrong_configuration);
  EXPECT_THAT(outcome.errors, HasSubstr("holds 20 records"));
  restart(a(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, SwappedDataDirsOfNodes) {
  ASSERT_TRUE(a().node_process(master).stop());
  ASSERT_TRUE(b().node_process(master).stop());
  const auto of_a = a().data_of(a().node(master));
  const auto of_b = b().data_of(b().node(master));
  expect_refused_untouched("flared", a(), a().node(master), {"--data-dir", of_b}, {of_a, of_b});
  expect_refused_untouched("flared", b(), b().node(master), {"--data-dir", of_a}, {of_a, of_b});
  restart(a(), master);
  restart(b(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, SwappedDataDirsOfIndexes) {
  ASSERT_TRUE(a().index_process().stop());
  ASSERT_TRUE(b().index_process().stop());
  const auto of_a = a().data_of(a().index());
  const auto of_b = b().data_of(b().index());
  expect_refused_untouched("flarei", a(), a().index(), {"--data-dir", of_b}, {of_a, of_b});
  expect_refused_untouched("flarei", b(), b().index(), {"--data-dir", of_a}, {of_a, of_b});
  a().start_index();
  b().start_index();
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, DataDirOfTheOtherKindOfDaemon) {
  ASSERT_TRUE(a().index_process().stop());
  ASSERT_TRUE(b().node_process(master).stop());
  const auto of_index = a().data_of(a().index());
  const auto of_node = b().data_of(b().node(master));
  expect_refused_untouched("flarei", a(), a().index(), {"--data-dir", of_node}, {of_index, of_node});
  expect_refused_untouched("flared", b(), b().node(master), {"--data-dir", of_index}, {of_index, of_node});
  a().start_index();
  restart(b(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, MapOfTheOtherTenantInTheDataDir) {
  ASSERT_TRUE(b().index_process().stop());
  const auto map_file = b().data_of(b().index()) / "flare.xml";
  const auto own = read_file(map_file);
  write_file(map_file, read_file(a().data_of(a().index()) / "flare.xml"));
  const auto outcome = start_of("flarei", b(), b().index());
  EXPECT_EQ(outcome.ending.code, wrong_configuration);
  EXPECT_THAT(outcome.errors, HasSubstr(cluster_id_of(a().index())));
  write_file(map_file, own);
  b().start_index();
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, OneNameAndPortInTwoClusters) {
  ASSERT_THAT(b().ask_index("node add 127.0.0.1 12121"), StartsWith("NODE "));
  EXPECT_TRUE(eventually([&] { return b().map()["127.0.0.1:12121"].state == "down"; })) << "not another tenant's node";
  EXPECT_TRUE(shown_as_foreign(b()));
  EXPECT_THAT(read_file(b().log_of(b().index())), HasSubstr("foreign"));
  EXPECT_EQ(a().view(master)->state, "active");
  ASSERT_EQ(b().ask_index("node remove 127.0.0.1 12121"), "OK");
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, MapOfTheOtherIndexIsRefusedAndItsPingTellsIt) {
  const auto map_with = [](const std::string& cluster) {
    return "node sync 9999\r\nNODE 127.0.0.1 12121 2 0 -1 0 16 cluster=" + cluster + "\r\nEND\r\n";
  };
  TextClient other{a().node(master)};
  other.send(map_with(cluster_id_of(b().index())));
  EXPECT_THAT(other.read_line(), StartsWith("SERVER_ERROR foreign cluster"));
  EXPECT_EQ(other.ask("ping"), "SERVER_ERROR foreign index");
  EXPECT_EQ(TextClient{a().node(master)}.ask("ping"), "OK") << "on that connection only";
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, HelloOfAForeignerEndsInRefusalsAndIsLoggedOnce) {
  for (int i = 0; i < 3; ++i) {
    TextClient other{a().node(master)};
    const auto line = "hello " + cluster_id_of(b().index()) + " - 127.0.0.1:13121 1";
    EXPECT_THAT(other.ask(line), StartsWith("SERVER_ERROR foreign cluster"));
    for (const auto* request : {"get key1", "ping", "stats", "dump 0", "delete key1"}) {
      EXPECT_THAT(other.ask(request), StartsWith("SERVER_ERROR foreign cluster")) << request;
    }
  }
  const auto log = read_file(a().log_of(a().node(master)));
  const auto first = log.find("127.0.0.1:13121 at ");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("127.0.0.1:13121 at ", first + 1), std::string::npos) << log;
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, HelloOfAForeignerAtTheIndexEndsInRefusals) {
  TextClient other{a().index()};
  const auto line = "hello " + cluster_id_of(b().index()) + " - 127.0.0.1:13121 1";
  EXPECT_THAT(other.ask(line), StartsWith("SERVER_ERROR foreign cluster"));
  for (const auto* request : {"node add 127.0.0.1 13121", "meta", "node state 127.0.0.1 12121 down"}) {
    EXPECT_THAT(other.ask(request), StartsWith("SERVER_ERROR foreign cluster")) << request;
  }
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, TwoDaemonsOnADataDir) {
  const auto node = start_of("flared", a(), a().node(master), {"--server-port", "12129"});
  EXPECT_EQ(node.ending.code, in_use);
  EXPECT_THAT(node.errors, HasSubstr(std::to_string(a().node_process(master).pid())));
  const auto index = start_of("flarei", a(), a().index(), {"--server-port", "12129"});
  EXPECT_EQ(index.ending.code, in_use);
  EXPECT_THAT(index.errors, HasSubstr(std::to_string(a().index_process().pid())));
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, RelativeDataDirs) {
  std::vector<Process> indexes;
  for (const auto* port : {"14120", "15120"}) {
    const auto home = tenants_.folder(port);
    std::filesystem::create_directories(home / "data");
    indexes.emplace_back(Command{
        .words = {program("flarei"), "--data-dir", "data", "--server-name", "127.0.0.1", "--server-port", port, "-s"},
        .folder = home});
  }
  for (const int port : {14120, 15120}) {
    const Address index{"127.0.0.1", static_cast<std::uint16_t>(port)};
    ASSERT_TRUE(eventually([&] { return serves(index); }));
    EXPECT_THAT(TextClient{index}.ask("node add 127.0.0.1 " + std::to_string(port + 1)), StartsWith("NODE "));
    EXPECT_EQ(read_map(TextClient{index}.ask_all("stats nodes")).size(), 1U) << "each has a map of its own";
    EXPECT_TRUE(std::filesystem::exists(tenants_.folder(std::to_string(port)) / "data" / "flare.xml"));
  }
  EXPECT_FALSE(std::filesystem::exists("/flare.xml"));
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, ReusedAddressIsNotTakenForTheOldNode) {
  ASSERT_TRUE(a().node_process(master).stop());
  const auto data = tenants_.folder("reuse");
  Process newcomer{{.words = {program("flared"), "-f", b().config_of(b().node(master)), "--stderr", "--data-dir", data,
                              "--server-port", "12121"}}};
  ASSERT_TRUE(eventually([&] { return b().map()["127.0.0.1:12121"].state == "active"; }));
  EXPECT_TRUE(shown_as_foreign(a()));
  EXPECT_EQ(a().view(master)->state, "down");
  ASSERT_TRUE(newcomer.stop());
  ASSERT_TRUE(eventually([&] { return b().ask_index("node remove 127.0.0.1 12121") == "OK"; }));
  restart(a(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

// The old index is away, so the other node of user-a still takes the address for its master.
TEST_P(Hazard, ReusedAddressGetsNoRequestAndGivesNoStream) {
  // Nobody is to wait for a new map here: the write is answered when the peer has been found foreign.
  write_file(a().config_of(a().node(proxy)), read_file(a().config_of(a().node(proxy))) + "failover-wait = 0\n");
  a().node_process(proxy).send(SIGHUP);
  ASSERT_TRUE(eventually(
      [&] { return read_file(a().log_of(a().node(proxy))).find("changed: failover-wait") != std::string::npos; }));
  for (const bool as_slave : {false, true}) {
    if (as_slave) a().make_slave(proxy);
    ASSERT_TRUE(a().index_process().stop());
    a().node_process(master).kill();
    Process newcomer{{.words = {program("flared"), "-f", b().config_of(b().node(master)), "--stderr", "--data-dir",
                                tenants_.folder("reuse"), "--server-port", "12121"}}};
    ASSERT_TRUE(eventually([&] { return b().map()["127.0.0.1:12121"].state == "active"; }));
    ASSERT_TRUE(eventually([] {
      return TextClient{Address{"127.0.0.1", 12121}}.ask_all("get key1").size() == 3;
    })) << "it answers clients, with user-b's keys";
    TextClient client{a().node(proxy)};
    if (!as_slave) {
      EXPECT_EQ(client.ask("get key1"), "END");
    }
    client.send("set key1 0 0 5\r\nwrong\r\n");
    EXPECT_THAT(client.read_line(), StartsWith("SERVER_ERROR"));
    const std::string said =
        as_slave ? "replication from 127.0.0.1:12121: foreign" : "no request is sent to 127.0.0.1:12121";
    EXPECT_TRUE(eventually([&] { return read_file(a().log_of(a().node(proxy))).find(said) != std::string::npos; }))
        << said;
    ASSERT_TRUE(newcomer.stop());
    ASSERT_TRUE(eventually([&] { return b().ask_index("node remove 127.0.0.1 12121") == "OK"; }));
    a().start_index();
    if (as_slave) {  // the map of user-a goes on as it must: its master is dead
      EXPECT_TRUE(a().becomes(proxy, "master", "active"));
      EXPECT_EQ(TextClient{a().node(proxy)}.ask_all("get key1").at(1), "user-a");
      return;
    }
    restart(a(), master);
    EXPECT_TRUE(tenants_.undisturbed());
  }
}

TEST_P(Hazard, TwoDaemonsWithOneNameTheRunningOneKeepsItsRole) {
  const auto data = tenants_.folder("second");
  const auto log = tenants_.folder("logs") / "second.log";
  Process second{{.words = {program("flared"), "-f", a().config_of(a().node(master)), "--stderr", "--data-dir", data,
                            "--bind-address", "127.0.0.9"},
                  .errors = log}};
  EXPECT_TRUE(eventually([&] { return read_file(log).find("failed to add node") != std::string::npos; }));
  EXPECT_EQ(a().view(master)->role, "master");
  second.kill();
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, RestartedNodeIsKnownByItsNewStartId) {
  a().node_process(master).kill();
  restart(a(), master);
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, RescuedMapTakesTheClusterIdOfItsNodes) {
  const auto before = cluster_id_of(a().index());
  ASSERT_EQ(before.size(), 32U);
  ASSERT_TRUE(a().index_process().stop());
  const auto data = a().data_of(a().index());
  auto map = read_file(data / "flare.xml");
  const auto comment = map.find("<!-- flare cluster=" + before);
  ASSERT_NE(comment, std::string::npos) << map;
  std::filesystem::remove_all(data);
  std::filesystem::create_directories(data);
  write_file(data / "flare.xml", map.substr(0, comment));
  a().start_index();
  EXPECT_TRUE(eventually([&] { return cluster_id_of(a().index()) == before; }));
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, DataDirWithoutIdentityIsAdoptedAndLogged) {
  ASSERT_TRUE(a().node_process(master).stop());
  std::filesystem::remove(a().data_of(a().node(master)) / "identity");
  restart(a(), master);
  const auto log = read_file(a().log_of(a().node(master)));
  EXPECT_THAT(log.substr(log.rfind("starts:")), HasSubstr("had no identity and is adopted"));
  EXPECT_TRUE(tenants_.undisturbed());
}

// What an original leaves behind: no daemon has an id. The index draws one when it has asked all; nodes that run learn
// it by asking their index, after a map has told them that there is one.
TEST_P(Hazard, ClusterWithoutIdGetsOneAndItsRunningNodesLearnIt) {
  const auto before = cluster_id_of(a().index());
  for (const auto number : {master, proxy}) {
    a().node_process(number).kill();
    std::filesystem::remove(a().data_of(a().node(number)) / "identity");
  }
  ASSERT_TRUE(a().index_process().stop());
  const auto data = a().data_of(a().index());
  const auto map = read_file(data / "flare.xml");
  std::filesystem::remove(data / "identity");
  write_file(data / "flare.xml", map.substr(0, map.find("<!-- flare")));
  a().start_index();
  EXPECT_EQ(cluster_id_of(a().index()), "") << "nodes that are silent may know it";
  restart(a(), master);
  restart(a(), proxy);
  ASSERT_TRUE(eventually([&] { return cluster_id_of(a().index()).size() == before.size(); }));
  const auto drawn = cluster_id_of(a().index());
  EXPECT_NE(drawn, before);
  for (const auto number : {master, proxy}) {
    const auto file = a().data_of(a().node(number)) / "identity";
    EXPECT_TRUE(eventually([&] { return read_file(file).find("cluster " + drawn) != std::string::npos; }))
        << read_file(file);
  }
  TextClient client{a().node(master)};
  EXPECT_EQ(client.ask_all("get key1").size(), 3U);
}

TEST_P(Hazard, MapWithNodesOfBothIsShownButNotChanged) {
  const auto data = tenants_.folder("mixed");
  auto map = read_file(a().data_of(a().index()) / "flare.xml");
  for (auto at = map.find("12122"); at != std::string::npos; at = map.find("12122")) map.replace(at, 5, "13121");
  write_file(data / "flare.xml", map.substr(0, map.find("<!-- flare")));
  const Address index{"127.0.0.1", 14120};
  Process mixed{{.words = {program("flarei"), "-f", a().config_of(a().index()), "--stderr", "--data-dir", data,
                           "--server-port", "14120"}}};
  ASSERT_TRUE(eventually([&] { return serves(index); }));
  const auto refuses = [&] { return TextClient{index}.ask("node state 127.0.0.1 13121 down"); };
  EXPECT_TRUE(eventually([&] { return refuses() == "SERVER_ERROR failed to set state"; }));
  EXPECT_EQ(cluster_id_of(index), "");
  mixed.kill();
  EXPECT_TRUE(tenants_.undisturbed());
}

TEST_P(Hazard, RequiredIdentityKeepsThoseOutThatHaveNone) {
  const auto data = tenants_.folder("strict");
  Process strict{{.words = {program("flarei"), "--data-dir", data, "--server-name", "127.0.0.1", "--server-port",
                            "14120", "--require-identity=true", "-s"}}};
  const Address index{"127.0.0.1", 14120};
  ASSERT_TRUE(eventually([&] { return serves(index); }));
  EXPECT_THAT(TextClient{index}.ask("node add 127.0.0.1 14121"), StartsWith("SERVER_ERROR identity required"));
  const auto node_data = tenants_.folder("strict-node");
  Process node{{.words = {program("flared"), "--data-dir", node_data, "--server-name", "127.0.0.1", "--server-port",
                          "14121", "--index-servers", "127.0.0.1:14120", "--require-identity=true", "-s"}}};
  ASSERT_TRUE(eventually([&] { return serves({"127.0.0.1", 14121}); }));
  EXPECT_TRUE(eventually([&] {
    return read_map(TextClient{index}.ask_all("stats nodes"))["127.0.0.1:14121"].state == "active";
  })) << "who has an identity is taken";
  TextClient stranger{Address{"127.0.0.1", 14121}};
  stranger.send("node sync 99\r\nNODE 127.0.0.1 14121 2 0 -1 0 16\r\nEND\r\n");
  EXPECT_THAT(stranger.read_line(), StartsWith("SERVER_ERROR identity required"));
  EXPECT_THAT(stranger.ask("<h:1>incr key 1"), StartsWith("SERVER_ERROR identity required"));
  EXPECT_TRUE(tenants_.undisturbed());
}

INSTANTIATE_TEST_SUITE_P(Cluster_8, Hazard, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "Named" : "Unnamed"; });

}  // namespace
}  // namespace flare::test
