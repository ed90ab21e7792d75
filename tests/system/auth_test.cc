// docs/security.md, Authentication: users, roles and logins of all protocols, against real daemons.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/binary_client.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;

const std::string client = "127.0.1.5";
const std::string unauthenticated = "CLIENT_ERROR unauthenticated";
const std::string refused = "CLIENT_ERROR authentication failure";

constexpr std::uint8_t opcode_get = 0x00, opcode_set = 0x01, opcode_version = 0x0b, opcode_mechanisms = 0x20,
                       opcode_login = 0x21, opcode_step = 0x22;
constexpr std::uint16_t auth_error = 0x20, unknown_command = 0x81;

// `hashed` has the password `secret`, by sha512crypt.
const std::string usual_users =
    "# users of the test\nreader:r-pw:ro\nwriter:w-pw\nroot:a-pw:admin\n"
    "hashed:$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00:rw\n";

std::string login_of(const std::string& user, const std::string& password) {
  const auto data = user + " " + password;
  return "set auth 0 0 " + std::to_string(data.size()) + "\r\n" + data;
}

Packet plain(const std::string& user, const std::string& password) {
  return {.opcode = opcode_login, .key = "PLAIN", .value = "\0"s + user + "\0"s + password};
}

class AuthTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    write_file(users_, usual_users);
    cluster_.start();
    TextClient root{index_, client};
    ASSERT_EQ(root.ask(login_of("root", "a-pw")), "STORED");
    ASSERT_EQ(root.ask("node role 127.0.0.1 12121 master 1 0"), "OK");
    ASSERT_TRUE(cluster_.becomes(0, "master", "active"));
    ASSERT_TRUE(cluster_.settles());
    // 127.0.0.1 is a node's address as well: what it asks first shows that it is one.
    const auto leads = [&] { return TextClient{node_, "127.0.0.1"}.ask("get nothing") == "END"; };
    ASSERT_TRUE(eventually(leads));
  }

  static std::vector<std::string> lines_with(const std::filesystem::path& users, int web_port) {
    return {"auth-file = " + users.string(), "cluster-allow-from = 127.0.0.1",
            "door.web.port = " + std::to_string(web_port), "door.web.classes = data"};
  }
  TextClient connect() const { return TextClient{node_, client}; }
  TextClient logged_in(const std::string& user, const std::string& password) const {
    auto connection = connect();
    EXPECT_EQ(connection.ask(login_of(user, password)), "STORED") << user;
    return connection;
  }
  std::string figure(const std::string& name) const { return ask_stat(node_, "stats doors", "auth_" + name); }
  std::string log() const { return read_file(cluster_.log_of(node_)); }
  void change_users(const std::string& text) {
    write_file(users_, text);
    cluster_.node_process(0).send(SIGHUP);
  }

  TempDir folder_;
  const std::filesystem::path users_ = folder_ / "users";
  const Address node_{"127.0.0.1", 12121};
  const Address index_{"127.0.0.1", 12120};
  const Address web_{"127.0.0.1", 13101};  // without class cluster for anybody
  Cluster cluster_{{.folder = folder_.path(),
                    .index = index_,
                    .nodes = {node_},
                    .index_lines = lines_with(users_, 13001),
                    .node_lines = lines_with(users_, 13101)}};
};

struct Asked {
  std::string sent;
  bool reader;
  bool writer;
};
// Each answered with one line, or with END.
const std::vector<Asked> asked{
    {"get k", true, true},
    {"gets k", true, true},
    {"mg k", true, true},
    {"mn", true, true},
    {"stats nodes", true, true},
    {"set k 0 0 1\r\nx", false, true},
    {"add k2 0 0 1\r\nx", false, true},
    {"incr n 1", false, true},
    {"delete gone", false, true},
    {"touch k 100", false, true},
    {"gat 100 k", false, true},
    {"mg k T60", false, true},
    {"mg gone N60", false, true},
    {"ms k 1\r\nx", false, true},
    {"ma n", false, true},
    {"md gone", false, true},
    {"flush_all", false, false},
    {"show variables", false, false},
    {"kill 999999", false, false},
};

TEST_F(AuthTest, NothingIsAnsweredBeforeTheLoginAndAfterItWhatTheRoleAllows) {
  auto stranger = connect();
  auto reader = logged_in("reader", "r-pw");
  auto writer = logged_in("writer", "w-pw");
  auto root = logged_in("root", "a-pw");
  const auto denied = [](TextClient& by, const std::string& sent) {
    by.send(sent + "\r\nversion\r\n");
    const auto line = by.read_line();
    for (auto next = line; !next.starts_with("VERSION");) next = by.read_line();
    return line.starts_with("CLIENT_ERROR access denied (class");
  };
  for (const auto& one : asked) {
    SCOPED_TRACE(one.sent);
    const bool is_login = one.sent.starts_with("set ");
    EXPECT_EQ(is_login ? unauthenticated : stranger.ask(one.sent), unauthenticated);
    EXPECT_EQ(denied(reader, one.sent), !one.reader);
    EXPECT_EQ(denied(writer, one.sent), !one.writer);
    EXPECT_FALSE(denied(root, one.sent));
  }
  EXPECT_TRUE(stranger.ask("version").starts_with("VERSION"));
  EXPECT_EQ(root.ask("node sync 1\r\nEND"), "CLIENT_ERROR access denied (class cluster needed)");
  EXPECT_EQ(connect().ask("<127.0.0.9:1>set k 0 0 1\r\nx"), unauthenticated) << "no login: a node's form";
}

TEST_F(AuthTest, WhatFollowsTheLoginInThePipelineWaitsForIt) {
  auto one = connect();
  one.send(login_of("hashed", "secret") + "\r\nset k 0 0 3\r\nabc\r\nget k\r\n");
  EXPECT_EQ(one.read_line(), "STORED");
  EXPECT_EQ(one.read_line(), "STORED");
  EXPECT_EQ(one.read_until_end(), (std::vector<std::string>{"VALUE k 0 3", "abc", "END"}));
  auto wrong = connect();
  wrong.send(login_of("hashed", "wrong") + "\r\nget k\r\n" + login_of("hashed", "secret") + "\r\nget k\r\n");
  EXPECT_EQ(wrong.read_line(), refused);
  EXPECT_EQ(wrong.read_line(), unauthenticated);
  EXPECT_EQ(wrong.read_line(), "STORED");
  EXPECT_EQ(wrong.read_line(), "VALUE k 0 3");
  auto quiet = connect();
  quiet.send("set auth 0 0 11 noreply\r\nwriter w-pw\r\nget k\r\n");
  EXPECT_EQ(quiet.read_line(), "VALUE k 0 3");
}

TEST_F(AuthTest, ALoginIsNeverTakenForAWriteAtANodesOwnHost) {
  TextClient host{node_, "127.0.0.1"};
  EXPECT_EQ(host.ask(login_of("root", "guess")), refused);
  EXPECT_EQ(host.ask(login_of("root", "a-pw")), "STORED");
  EXPECT_EQ(host.ask("get auth"), "END");
  EXPECT_EQ(host.ask("flush_all"), "OK") << "class admin by the login";
  TextClient node{node_, "127.0.0.1"};
  EXPECT_EQ(node.ask("<127.0.0.9:1>set k 0 0 1\r\nx"), "STORED");
  EXPECT_EQ(node.ask("set k 0 0 1\r\ny"), "STORED") << "it has shown what it is";
  EXPECT_EQ(node.ask("flush_all"), unauthenticated);
}

TEST_F(AuthTest, BinaryClientsLogInByPlain) {
  BinaryClient one{web_};
  EXPECT_EQ(one.ask({.opcode = opcode_get, .key = "k"}).status, auth_error);
  EXPECT_EQ(one.ask({.opcode = opcode_version}).status, 0);
  const auto mechanisms = one.ask({.opcode = opcode_mechanisms});
  EXPECT_EQ(mechanisms.value, "PLAIN");
  EXPECT_EQ(one.ask({.opcode = opcode_login, .key = "CRAM-MD5", .value = "x"}).status, auth_error);
  EXPECT_EQ(one.ask({.opcode = opcode_step, .key = "PLAIN", .value = "x"}).status, auth_error);
  EXPECT_EQ(one.ask(plain("writer", "wrong")).status, auth_error);
  // The packets behind the login wait for it.
  one.send(plain("writer", "w-pw"));
  one.send({.opcode = opcode_set, .key = "b", .extras = std::string(8, '\0'), .value = "v"});
  one.send({.opcode = opcode_get, .key = "b"});
  const auto granted = one.read();
  EXPECT_EQ(granted.status, 0) << text_of(granted);
  EXPECT_EQ(granted.value, "Authenticated");
  EXPECT_EQ(one.read().status, 0);
  EXPECT_EQ(one.read().value, "v");
  BinaryClient reader{web_};
  EXPECT_EQ(reader.ask(plain("reader", "r-pw")).status, 0);
  EXPECT_EQ(reader.ask({.opcode = opcode_get, .key = "b"}).value, "v");
  EXPECT_EQ(reader.ask({.opcode = opcode_set, .key = "b", .extras = std::string(8, '\0'), .value = "w"}).status,
            auth_error);
}

TEST_F(AuthTest, PylibmcLogsIn) {
  const std::string script =
      "import pylibmc,sys\n"
      "def connect(password):\n"
      "  return pylibmc.Client(['127.0.0.1:13101'], binary=True, username='hashed', password=password)\n"
      "good = connect('secret')\n"
      "assert good.set('py', 'value') is True\n"
      "assert good.get('py') == 'value'\n"
      "try:\n"
      "  assert not connect('wrong').set('py', 'other')\n"
      "except pylibmc.Error:\n"
      "  pass\n"
      "assert good.get('py') == 'value'\n";
  const auto ran = run({"/usr/bin/python3", "-c", script});
  EXPECT_EQ(ran.ending.code, 0) << ran.errors;
}

TEST_F(AuthTest, GuessesAreSlowedDownCountedAndLogged) {
  auto guesser = connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guesser.ask(login_of("root", "guess")), refused);
  EXPECT_TRUE(guesser.closed_by_peer());
  const auto begun = std::chrono::steady_clock::now();
  auto next = connect();
  EXPECT_EQ(next.ask(login_of("root", "guess")), refused);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds{1});
  EXPECT_EQ(figure("refused"), "4");
  EXPECT_EQ(figure("delayed"), "1");
  EXPECT_THAT(log(), HasSubstr("login of user 'root' from 127.0.1.5:"));
  for (const auto* secret : {"guess", "a-pw", "w-pw", "$6$salt"}) EXPECT_THAT(log(), Not(HasSubstr(secret)));
}

TEST_F(AuthTest, HangupTakesAwayWhatUsersHaveLost) {
  auto reader = logged_in("reader", "r-pw");
  auto writer = logged_in("writer", "w-pw");
  auto root = logged_in("root", "a-pw");
  change_users("broken line\n");
  EXPECT_TRUE(eventually([&] { return log().find("the former users stay in force") != std::string::npos; }));
  EXPECT_THAT(log(), HasSubstr("users: line 1 is not of the form user:password[:role]"));
  EXPECT_EQ(writer.ask("set k 0 0 1\r\nx"), "STORED");
  change_users("writer:new-pw\nroot:a-pw:ro\nreader:r-pw:ro\n");
  EXPECT_TRUE(eventually([&] { return writer.ask("mg nothing") == unauthenticated; })) << "another password";
  EXPECT_TRUE(eventually([&] { return root.ask("mg nothing") == unauthenticated; })) << "another role";
  EXPECT_EQ(reader.ask("mg nothing"), "EN") << "nothing of it has changed";
  EXPECT_EQ(writer.ask(login_of("writer", "w-pw")), refused);
  EXPECT_EQ(writer.ask(login_of("writer", "new-pw")), "STORED");
}

TEST_F(AuthTest, ThePathIsShownAndNoSecret) {
  auto root = logged_in("root", "a-pw");
  root.send("show variables\r\n");
  const auto lines = root.read_until_end();
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  EXPECT_THAT(text, HasSubstr(users_.string()));
  EXPECT_THAT(text, Not(HasSubstr("a-pw")));
}

TEST_F(AuthTest, TheIndexAsksForAUserForClassAdminOnly) {
  TextClient operator_{index_, client};
  EXPECT_TRUE(operator_.ask("stats nodes").starts_with("STAT"));
  TextClient other{index_, client};
  const std::string command = "node role 127.0.0.1 12121 master 2 0";
  EXPECT_EQ(other.ask(command), unauthenticated);
  EXPECT_EQ(other.ask(login_of("root", "guess")), refused);
  EXPECT_EQ(other.ask(login_of("writer", "w-pw")), "STORED");
  EXPECT_EQ(other.ask(command), "CLIENT_ERROR access denied (class admin needed)") << "role rw";
  TextClient root{index_, client};
  root.send(login_of("root", "a-pw") + "\r\n" + command + "\r\n");
  EXPECT_EQ(root.read_line(), "STORED");
  EXPECT_EQ(root.read_line(), "OK");
}

TEST(AuthStart, IsRefusedWithoutUsersAndWithAnOpenCluster) {
  TempDir folder;
  write_file(folder / "users", "a:b\nhush\n");
  const auto start = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{program("flared"), "--stderr", "--data-dir=" + folder.path().string(),
                                   "--index-server-name=127.0.0.1", "--server-name=127.0.0.1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const auto open = start({"--auth-file=" + (folder / "users").string()});
  EXPECT_THAT(open.errors, HasSubstr("gives class cluster to everybody"));
  EXPECT_NE(open.ending.code, 0);
  const auto broken = start({"--auth-file=" + (folder / "users").string(), "--cluster-allow-from=127.0.0.1"});
  EXPECT_THAT(broken.errors, HasSubstr("option 'auth-file': " + (folder / "users").string() + ": line 2 is not"));
  EXPECT_THAT(broken.errors, Not(HasSubstr("hush")));
  EXPECT_NE(broken.ending.code, 0);
}

class WithoutUsersTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }
};

TEST_F(WithoutUsersTest, SaslIsNoCommand) {
  TempDir folder;
  Cluster cluster{{.folder = folder.path(), .nodes = {{"127.0.0.1", 12121}}}};
  cluster.start();
  BinaryClient one{cluster.node(0)};
  EXPECT_EQ(one.ask({.opcode = opcode_mechanisms}).status, unknown_command);
  EXPECT_EQ(one.ask(plain("a", "b")).status, unknown_command);
}

class StatusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  std::string shown(const Address& index, std::vector<std::string> more) const {
    more.insert(more.begin(), {program("flare-status"), key_of(index)});
    return run(more).output;
  }
  std::vector<std::string> with_login(const std::string& line) const {
    write_file(folder_ / "login", line + "\n");
    return {"--json", "--login", (folder_ / "login").string()};
  }

  TempDir folder_;
  const Address index_{"127.0.0.2", 12120};
  const Address node_{"127.0.0.2", 12121};
};

TEST_F(StatusTest, LogsInWhereANodeAsksForIt) {
  write_file(folder_ / "users", usual_users);
  const std::vector<std::string> lines{"auth-file = " + (folder_ / "users").string(),
                                       "cluster-allow-from = 127.0.0.1,127.0.0.2"};
  Cluster cluster{
      {.folder = folder_.path(), .index = index_, .nodes = {node_}, .index_lines = lines, .node_lines = lines}};
  cluster.start();
  TextClient root{index_, client};
  ASSERT_EQ(root.ask(login_of("root", "a-pw")), "STORED");
  ASSERT_EQ(root.ask("node role 127.0.0.2 12121 master 1 0"), "OK");
  ASSERT_TRUE(cluster.becomes(0, "master", "active"));
  // The test's host is a node's no more.
  const auto config = folder_ / (key_of(node_) + ".conf");
  auto text = read_file(config);
  const std::string both = "127.0.0.1,";
  text.erase(text.find(both), both.size());
  write_file(config, text);
  cluster.node_process(0).send(SIGHUP);
  const std::string asks = "127.0.0.2:12121 asks for a login: give one by --login\n";
  EXPECT_TRUE(eventually([&] { return shown(index_, {}).find(asks) != std::string::npos; })) << shown(index_, {});
  EXPECT_THAT(shown(index_, with_login("reader:r-pw")), HasSubstr("\"items\":0"));
  auto wrong = with_login("reader:w-pw");
  wrong.erase(wrong.begin());  // --json
  EXPECT_THAT(shown(index_, wrong), HasSubstr("127.0.0.2:12121 answers CLIENT_ERROR authentication failure\n"));
  EXPECT_THAT(run({program("flare-status"), "12120", "--login", (folder_ / "none").string()}).errors,
              HasSubstr("option '--login'"));
}

TEST_F(StatusTest, SendsNoLoginToANodeThatWouldStoreIt) {
  Cluster cluster{{.folder = folder_.path(), .index = index_, .nodes = {node_}}};
  cluster.start();
  cluster.make_master(0);
  EXPECT_THAT(shown(index_, with_login("reader:r-pw")), HasSubstr("\"items\":0"));
}

}  // namespace
}  // namespace flare::test
