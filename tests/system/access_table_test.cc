// docs/security.md: door x protocol x command x credential, every cell against real daemons. What is expected comes
// from the rules that are written down here by hand, and from no code: a right that is changed in the code alone fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>
#include <set>

#include "common/protocol/binary_opcode.h"
#include "common/protocol/command_class.h"
#include "support/binary_packets.h"
#include "support/cluster.h"
#include "support/door_lists.h"
#include "support/private_network.h"
#include "support/proxy_headers.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

/// Rights as letters: r reads entries, w changes them, n speaks as a node or index, o operates the daemon.
using Rights = std::string;
const Rights everybody = "rwno";  // one that was let in has some right

bool meet(const Rights& a, const Rights& b) { return a.find_first_of(b) != std::string::npos; }

enum class Protocol { text, meta, binary };

/// One command. It names the key `allowed`; in a cell that must be refused it names `refused`, which is as long.
struct Row {
  Protocol protocol = Protocol::text;
  std::string name;    // in docs/security.md
  std::string sent;    // a whole request
  Rights needs;        // one of them is enough
  std::string served;  // how a good answer begins, divided by |; empty: in any way but a refusal
  enum class Says { always, refusals, nothing, closes } says = Says::always;
};

using enum Row::Says;

Row text(std::string name, std::string line, Rights needs, std::string served = {}, Row::Says says = always) {
  return {Protocol::text, std::move(name), line + "\r\n", std::move(needs), std::move(served), says};
}

Row meta(std::string name, std::string line, Rights needs, std::string served = {}, Row::Says says = always) {
  return {Protocol::meta, std::move(name), line + "\r\n", std::move(needs), std::move(served), says};
}

Row binary(std::string name, const Packet& packet, Rights needs, std::string served = "status=0",
           Row::Says says = always) {
  return {Protocol::binary, std::move(name), request_packet(packet), std::move(needs), std::move(served), says};
}

const Rights reading = "rwn";  // nodes pass on what their clients ask
const Rights changing = "wn";

std::vector<Row> text_rows() {
  return {
      text("get", "get allowed", reading, "VALUE|END"),
      text("gets", "gets allowed", reading, "VALUE|END"),
      text("set", "set allowed 0 0 1\r\n1", changing, "STORED"),
      text("set", "set allowed 0 0 1 noreply\r\n1", changing, {}, nothing),
      text("add", "add allowed 0 0 1\r\n1", changing, "STORED|NOT_STORED"),
      text("replace", "replace allowed 0 0 1\r\n1", changing, "STORED"),
      text("append", "append allowed 0 0 1\r\n1", changing, "STORED"),
      text("prepend", "prepend allowed 0 0 1\r\n1", changing, "STORED"),
      text("cas", "cas allowed 0 0 1 7\r\n1", changing, "STORED|EXISTS"),
      text("incr", "incr allowed 1", changing, "1"),
      text("decr", "decr allowed 1", changing, "1"),
      text("touch", "touch allowed 1000", changing, "TOUCHED"),
      text("gat", "gat 1000 allowed", changing, "VALUE"),
      text("gat", "gats 1000 allowed", changing, "VALUE"),
      text("delete", "delete allowed", changing, "DELETED"),
      // A proxy prefix is a word among nodes.
      text("set", "<127.0.0.1:1>set allowed 0 0 1\r\n1", "n", "STORED"),
      text("set", "<restore>set allowed 0 0 1 99\r\n1", "n", "STORED"),
      text("set", "<copy,127.0.0.1:1>set allowed 0 0 1 199\r\n1", "n", "STORED"),
      text("get", "<127.0.0.1:1>get allowed", "n", "VALUE|END"),
      text("delete", "<127.0.0.1:1>delete allowed", "n", "DELETED"),
      text("stats", "stats", everybody, "STAT"),
      text("stats", "stats doors", everybody, "STAT"),
      text("stats", "stats settings", everybody, "STAT"),
      text("stats", "stats conns", "no", "STAT"),
      text("stats", "stats threads", "no"),
      text("stats", "stats reset", "o", "RESET"),
      text("version", "version", everybody, "VERSION"),
      text("verbosity", "verbosity 1", everybody, "OK"),
      text("ping", "ping", everybody, "OK"),
      text("quit", "quit", everybody, {}, closes),
      text("dump", "dump", "no", "VALUE|END"),
      text("dump_key", "dump_key", "no", "KEY|END"),
      text("kill", "kill 999999", "o", "CLIENT_ERROR thread not found"),
      text("salvage acknowledge", "salvage acknowledge", "o", "SERVER_ERROR nothing to acknowledge"),
      text("show variables", "show variables", "o", "back_log:"),
      text("node sync", "node sync 1\r\nEND", "n"),  // an old version: ignored
      text("position", "position 7 1", "n"),         // of a partition that it has not
      text("repl", "repl nonsense", "n"),
      text("hello", "hello nonsense", "n"),
  };
}

std::vector<Row> meta_rows() {
  return {
      meta("item", "mg allowed v", reading, "VA|EN"),
      meta("item", "mg allowed", reading, "HD|EN"),
      meta("item", "me allowed", reading, "ME|EN"),
      meta("item", "mg YWxsb3dlZA== b v", reading),  // the key in base64
      meta("item", "ms allowed 1\r\n1", changing, "HD"),
      meta("item", "ms allowed 1 q\r\n1", changing, {}, refusals),
      meta("item", "mg allowed v T1000", changing, "VA"),
      meta("item", "mg allowed v N1000", changing, "VA"),
      meta("item", "mg allowed v R1", changing, "VA"),
      meta("item", "ma allowed", changing, "HD"),
      meta("item", "md allowed", changing, "HD"),
      meta("item", "<127.0.0.1:1>mg allowed v", "n", "VA|EN"),
      meta("item", "<127.0.0.1:1>ms allowed 1\r\n1", "n", "HD"),
      meta("noop", "mn", everybody, "MN"),
  };
}

std::vector<Row> binary_rows() {
  const auto key = [](int opcode) { return Packet{.opcode = static_cast<std::uint8_t>(opcode), .key = "allowed"}; };
  const auto bare = [](int opcode) { return Packet{.opcode = static_cast<std::uint8_t>(opcode)}; };
  const auto with = [&](int opcode, std::string extras, std::string value = {}) {
    auto packet = key(opcode);
    packet.extras = std::move(extras);
    packet.value = std::move(value);
    return packet;
  };
  const auto store = network(0, 4) + network(0, 4);                   // flags, exptime
  const auto number = network(1, 8) + network(1, 8) + network(0, 4);  // delta, initial, exptime
  const auto exptime = network(1000, 4);
  const std::string hit_or_miss = "status=0|status=1 ";
  return {
      binary("item", with(0x01, store, "1"), changing),
      binary("item", key(0x00), reading, hit_or_miss),
      binary("item", key(0x0c), reading, hit_or_miss),
      binary("item", with(0x02, store, "1"), changing, "status=2"),
      binary("item", with(0x03, store, "1"), changing),
      binary("item", with(0x0e, "", "1"), changing),
      binary("item", with(0x0f, "", "1"), changing),
      binary("item", with(0x05, number), changing),
      binary("item", with(0x06, number), changing),
      binary("item", with(0x1c, exptime), changing),
      binary("item", with(0x1d, exptime), changing),
      binary("item", with(0x1e, exptime), changing),
      binary("item", with(0x23, exptime), changing),
      binary("item", with(0x24, exptime), changing),
      binary("item", with(0x11, store, "1"), changing, {}, refusals),
      binary("item", with(0x13, store, "1"), changing, {}, refusals),
      binary("item", with(0x19, "", "1"), changing, {}, refusals),
      binary("item", with(0x1a, "", "1"), changing, {}, refusals),
      binary("item", with(0x15, number), changing, {}, refusals),
      binary("item", with(0x16, number), changing, {}, refusals),
      binary("item", with(0x14, ""), changing, {}, refusals),
      binary("item", key(0x09), reading, {}, refusals),  // of a key that is gone
      binary("item", key(0x0d), reading, {}, refusals),
      binary("item", with(0x12, store, "1"), changing, {}, refusals),
      binary("item", key(0x04), changing),
      binary("noop", bare(0x0a), everybody),
      binary("version", bare(0x0b), everybody),
      binary("stats", bare(0x10), everybody),
      binary("stats", Packet{.opcode = 0x10, .key = "conns"}, "no"),
      binary("stats", Packet{.opcode = 0x10, .key = "reset"}, "o"),
      binary("verbosity", Packet{.opcode = 0x1b, .extras = network(1, 4)}, everybody),
      binary("quit", bare(0x07), everybody, {}, closes),
      binary("quit", bare(0x17), everybody, {}, closes),
  };
}

// After all others: where they are allowed, no entry is left.
std::vector<Row> flushes() {
  return {
      text("flush_all", "flush_all", "o", "OK"),
      text("flush_all", "flush_all noreply", "o", {}, nothing),
      binary("flush_all", Packet{.opcode = 0x08}, "o"),
      binary("flush_all", Packet{.opcode = 0x18}, "o", {}, refusals),
  };
}

std::vector<Row> rows_of_flared() {
  auto rows = text_rows();
  for (auto& row : meta_rows()) rows.push_back(std::move(row));
  for (auto& row : binary_rows()) rows.push_back(std::move(row));
  return rows;
}

std::vector<Row> rows_of_flarei() {
  return {
      text("hello", "hello nonsense", "n"),
      text("ping", "ping", everybody, "OK"),
      text("stats", "stats nodes", everybody, "STAT"),
      text("stats", "stats doors", everybody, "STAT"),
      text("meta", "meta", everybody, "META"),
      text("verbosity", "verbosity 1", everybody, "OK"),
      text("version", "version", everybody, "VERSION"),
      text("quit", "quit", everybody, {}, closes),
      text("node insync", "node insync 127.0.0.7 7 1 1", "n"),
      text("node offer", "node offer 0 127.0.0.7 7", "n"),
      text("node adopt", "node adopt 7", "o"),
      text("node add", "node add 127.0.0.1 12121", "no"),  // serves: not added again
      text("node state", "node state 127.0.0.7 7 active", "no"),
      text("shutdown", "shutdown 127.0.0.7 7", "no"),
      text("node role", "node role 127.0.0.7 7 slave 1 0", "o"),
      text("node remove", "node remove 127.0.0.7 7", "o"),
      text("kill", "kill 999999", "o", "CLIENT_ERROR"),
      text("show variables", "show variables", "o", "config_path:"),
  };
}

/// One way in.
struct Way {
  std::string name;
  std::function<TextClient()> connect;
  Rights gives;  // by door and address; none: not let in
};

std::vector<Way> ways_to(const Address& daemon, const std::string& socket, std::uint16_t web_port) {
  const auto from = [](Address to, const std::string& source) {
    return [to, source] { return TextClient{to, source}; };
  };
  const auto behind_balancer = [](Address to, const std::string& told) {
    return [to, told] {
      TextClient connection{to, doors::balancer};
      connection.send(proxy_for(told));
      return connection;
    };
  };
  const auto web = doors::web(web_port);
  const auto ops = doors::ops(web_port);
  return {
      {"client at server-port", from(daemon, doors::client), "rw"},
      {"node at server-port", from(daemon, doors::other_node), "n"},
      {"operator at server-port", from(daemon, doors::operators), "o"},
      {"node and operator at server-port", from(daemon, doors::node_and_operator), "no"},
      {"stranger at server-port", from(daemon, doors::stranger), ""},
      {"unix socket", [socket] { return TextClient{socket}; }, "rw"},
      {"client at web", from(web, doors::client), "rw"},
      {"operator at web", from(web, doors::operators), ""},
      {"node at web", from(web, doors::other_node), ""},
      {"operator at ops", from(ops, doors::operators), "no"},
      {"stranger at ops", from(ops, doors::stranger), "no"},
      {"client at ops", from(ops, doors::client), ""},
      {"client behind a balancer", behind_balancer(daemon, doors::client), "rw"},
      {"operator behind a balancer", behind_balancer(daemon, doors::operators), "o"},
      {"stranger behind a balancer", behind_balancer(daemon, doors::stranger), ""},
      {"client behind a balancer at web", behind_balancer(web, doors::client), "rw"},
      {"client behind a balancer at ops", behind_balancer(ops, doors::client), ""},
  };
}

/// Who a client says that it is, once for each connection.
struct Credential {
  std::string name;
  Rights proves;
};

const Credential nobody{"nobody", ""};

/// How the daemons are started, and who is tried there.
struct Setting {
  std::string name;
  bool lists = true;
  bool users = false;  // an auth-file: reading, changing and operating must be proven
  std::vector<Credential> credentials{nobody};
};

/// The rule: an address gives what it gives; with users only what is proven of it, but for nodes.
Rights rights_of(const Way& way, const Setting& setting, const Credential& credential) {
  if (!setting.users) return way.gives;
  Rights rights;
  for (const char right : way.gives) {
    if (right == 'n' || credential.proves.find(right) != std::string::npos) rights += right;
  }
  return rights;
}

/// `read, data or cluster`, as the refusal says it.
std::string in_words(const Rights& needs) {
  std::vector<std::string> words;
  for (const auto& [letter, word] :
       std::vector<std::pair<char, std::string>>{{'r', "read"}, {'w', "data"}, {'n', "cluster"}, {'o', "admin"}}) {
    if (needs.find(letter) != std::string::npos) words.push_back(word);
  }
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

constexpr std::uint16_t denied_status = 0x20;

/// What came first: a line, or a packet as `status=...`.
std::string read_answer(TextClient& connection, Protocol protocol) {
  if (protocol != Protocol::binary) return connection.read_line();
  const auto header = connection.read_exactly(24);
  if (header[0] != '\x81') return "no packet: " + header;
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::size_t sum = 0;
    for (std::size_t i = at; i < at + bytes; ++i) sum = sum << 8 | static_cast<unsigned char>(header[i]);
    return sum;
  };
  const auto body = connection.read_exactly(number(8, 4));
  return "status=" + std::to_string(number(6, 2)) + " " + body;
}

bool begins_with_one_of(const std::string& answer, const std::string& begins) {
  for (std::size_t at = 0; at <= begins.size();) {
    const auto end = std::min(begins.find('|', at), begins.size());
    if (answer.starts_with(begins.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

std::string with_key(std::string request, const std::string& key) {
  const std::string written = "allowed";
  for (auto at = request.find(written); at != std::string::npos; at = request.find(written, at + key.size())) {
    request.replace(at, written.size(), key);
  }
  return request;
}

struct Count {
  std::size_t allowed = 0;
  std::size_t refused = 0;
};

// Who stands at server-port with an address that is in no list, where there are none.
std::vector<Way> open_ways_to(const Address& daemon) {
  return {{"stranger without lists", [daemon] { return TextClient{daemon, doors::stranger}; }, everybody}};
}

std::string printable_text(const std::string& bytes) {
  const auto plain = [](char byte) { return byte >= 0x20 && byte < 0x7f; };
  const auto line = bytes.substr(0, bytes.find('\r'));
  return std::all_of(line.begin(), line.end(), plain) ? line : "packet " + to_hex(bytes);
}

/// One cluster in one setting, all of whose cells are tried.
class Table {
 public:
  Table(const Setting& setting, Count& count) : setting_{setting}, count_{count} {}

  void try_all() {
    start_with_master();
    for (const auto& way : ways(node_, "flared", web_port_of_flared)) {
      for_each_credential(way, [&](const Credential& credential) { try_flared(way, credential); });
    }
    const auto map = cluster_.map();
    for (const auto& way : ways(index_, "flarei", web_port_of_flarei)) {
      for_each_credential(way, [&](const Credential& credential) { try_flarei(way, credential); });
    }
    EXPECT_EQ(cluster_.map(), map) << "no row changes the map, allowed or not";
    EXPECT_TRUE(cluster_.node_process(0).running());
    if (setting_.lists) expect_account();
  }

 private:
  static constexpr std::uint16_t web_port_of_flarei = 13001;
  static constexpr std::uint16_t web_port_of_flared = 13101;

  std::string socket_of(const std::string& daemon) const { return (folder_.path() / (daemon + ".sock")).string(); }

  std::vector<std::string> lines_of(const std::string& daemon, std::uint16_t web_port) const {
    return setting_.lists ? doors::lines(socket_of(daemon), web_port) : std::vector<std::string>{};
  }

  std::vector<Way> ways(const Address& daemon, const std::string& name, std::uint16_t web_port) const {
    return setting_.lists ? ways_to(daemon, socket_of(name), web_port) : open_ways_to(daemon);
  }

  void start_with_master() {
    cluster_.start();
    cluster_.make_master(0);
    const auto leads = [&] { return TextClient{node_, doors::client}.ask("delete nothing") == "NOT_FOUND"; };
    ASSERT_TRUE(eventually(leads)) << "the map is the index's: the node follows a moment later";
  }

  // Who is not let in has nothing to say.
  template <class Try>
  void for_each_credential(const Way& way, const Try& one) {
    if (way.gives.empty()) return try_not_let_in(way);
    for (const auto& credential : setting_.credentials) one(credential);
  }

  // The connection goes on, and the payload of what was refused was not taken for requests.
  static void expect_open(TextClient& connection) {
    const auto answer = connection.ask("version");
    EXPECT_TRUE(answer.starts_with("VERSION ")) << answer;
  }

  static void expect_refusal(TextClient& connection, const Row& row) {
    if (row.says != nothing) {
      const auto answer = read_answer(connection, row.protocol);
      const auto said = "access denied (class " + in_words(row.needs) + " needed)";
      const auto status = "status=" + std::to_string(denied_status) + " ";
      EXPECT_EQ(answer, (row.protocol == Protocol::binary ? status : "CLIENT_ERROR ") + said);
    }
    expect_open(connection);
  }

  static void expect_served(TextClient& connection, const Row& row) {
    if (row.says == refusals || row.says == nothing) return expect_open(connection);
    const auto answer = read_answer(connection, row.protocol);
    EXPECT_EQ(answer.find("access denied"), std::string::npos) << answer;
    EXPECT_TRUE(begins_with_one_of(answer, row.served)) << answer;
  }

  void try_cell(const Way& way, const Credential& credential, const Row& row) {
    SCOPED_TRACE(setting_.name + ": " + printable_text(row.sent) + " by " + way.name + " as " + credential.name);
    const bool allowed = meet(row.needs, rights_of(way, setting_, credential));
    auto connection = way.connect();
    connection.send(with_key(row.sent, allowed ? "allowed" : "refused"));
    ++(allowed ? count_.allowed : count_.refused);
    if (!allowed) ++refused_requests_;
    if (row.says == closes) {
      EXPECT_TRUE(connection.closed_by_peer());
    } else if (allowed) {
      expect_served(connection, row);
    } else {
      expect_refusal(connection, row);
    }
  }

  void try_not_let_in(const Way& way) {
    SCOPED_TRACE(setting_.name + ": " + way.name);
    ++count_.refused;
    auto connection = way.connect();
    EXPECT_EQ(connection.read_line(), "CLIENT_ERROR access denied (this address is not allowed here)");
    EXPECT_TRUE(connection.closed_by_peer());
  }

  // The entry that no cell may touch, with its version.
  std::string untouched() const { return TextClient{node_, doors::client}.ask("gets refused"); }

  void prepare_entries() const {
    for (const auto* key : {"allowed", "refused"}) {
      const auto set = std::string{"set "} + key + " 0 0 1\r\n1";
      ASSERT_EQ(TextClient(node_, doors::client).ask(set), "STORED");
    }
  }

  void try_flared(const Way& way, const Credential& credential) {
    prepare_entries();
    const auto before = untouched();
    EXPECT_TRUE(before.starts_with("VALUE refused 0 1 ")) << before;
    for (const auto& row : rows_of_flared()) try_cell(way, credential, row);
    EXPECT_EQ(untouched(), before) << "a refused request was done: " << way.name << " as " << credential.name;
    for (const auto& row : flushes()) try_cell(way, credential, row);
    if (meet(rights_of(way, setting_, credential), "o")) return;
    EXPECT_EQ(untouched(), before) << "a refused flush was done: " << way.name << " as " << credential.name;
  }

  void try_flarei(const Way& way, const Credential& credential) {
    for (const auto& row : rows_of_flarei()) try_cell(way, credential, row);
  }

  static std::uint64_t figure(const Address& daemon, const std::string& name) {
    return std::stoull(ask_stat(daemon, "stats doors", name));
  }

  // Each refused cell was counted once, and nothing else was.
  void expect_account() const {
    std::uint64_t requests = 0;
    for (const auto& daemon : {node_, index_}) {
      for (const auto* door : {"server-port", "web", "ops"}) {
        requests += figure(daemon, std::string{door} + ":refused_requests");
        EXPECT_EQ(figure(daemon, std::string{door} + ":refused_connections"), 2U) << key_of(daemon) << " " << door;
        EXPECT_EQ(figure(daemon, std::string{door} + ":refused_headers"), 0U) << key_of(daemon) << " " << door;
      }
    }
    EXPECT_EQ(requests, refused_requests_);
    EXPECT_EQ(ask_stat(node_, "stats doors", "ops:classes"), "cluster,admin");
    const auto log = read_file(cluster_.log_of(node_));
    EXPECT_NE(log.find("of 127.0.9.9:"), std::string::npos) << "the refused peer is not named";
    EXPECT_NE(log.find("refused at door server-port"), std::string::npos);
    EXPECT_EQ(log.find("open to everybody"), std::string::npos) << "no door is";
  }

  const Setting& setting_;
  Count& count_;
  std::uint64_t refused_requests_ = 0;
  TempDir folder_;
  const Address node_{"127.0.0.1", 12121};
  const Address index_{"127.0.0.1", 12120};
  Cluster cluster_{{.folder = folder_.path(),
                    .index = index_,
                    .nodes = {node_},
                    .index_lines = lines_of("flarei", web_port_of_flarei),
                    .node_lines = lines_of("flared", web_port_of_flared)}};
};

template <class AnyCommand>
std::set<std::string> all_names() {
  std::set<std::string> names;
  for (int i = 0; i < 256; ++i) {
    if (const auto name = name_of(static_cast<AnyCommand>(i)); !name.empty()) names.emplace(name);
  }
  return names;
}

std::set<std::string> names_in(const std::vector<Row>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(row.name);
  return names;
}

TEST(AccessTableRows, HaveEveryCommandOfBothDaemonsAndEveryOpcode) {
  auto rows = rows_of_flared();
  for (auto& row : flushes()) rows.push_back(std::move(row));
  auto commands = all_names<flare::Command>();
  commands.erase("sasl");  // its packets are of an unknown command without auth-file: auth_test.cc
  EXPECT_EQ(names_in(rows), commands);
  EXPECT_EQ(names_in(rows_of_flarei()), all_names<IndexCommand>());
  std::set<int> opcodes;
  for (const auto& row : rows) {
    if (row.protocol == Protocol::binary) opcodes.insert(static_cast<unsigned char>(row.sent[1]));
  }
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(opcodes.contains(i), binary_opcode(static_cast<std::uint8_t>(i)).served) << "opcode " << i;
  }
}

TEST(AccessTable, EveryCellIsAsTheRulesSay) {
  const std::vector<Setting> settings{{.name = "without lists", .lists = false}, {.name = "with lists"}};
  enter_private_network();
  Count count;
  for (const auto& setting : settings) Table{setting, count}.try_all();
  std::cout << "table: " << count.allowed + count.refused << " cells tried, " << count.allowed << " allowed, "
            << count.refused << " refused\n";
}

}  // namespace
}  // namespace flare::test
