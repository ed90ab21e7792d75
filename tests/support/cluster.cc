#include "support/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr Milliseconds start_limit{60'000};

std::string role_line(const Address& node, const std::string& rest) {
  return "node role " + node.name + " " + std::to_string(node.port) + " " + rest;
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

std::string name_in(const std::string& line) { return line.substr(0, line.find(' ')); }

// An option given twice is an error.
std::vector<std::string> with_defaults(const std::vector<std::string>& lines,
                                       const std::vector<std::string>& defaults) {
  auto all = lines;
  for (const auto& line : defaults) {
    const auto same = [&](const auto& given) { return name_in(given) == name_in(line); };
    if (std::none_of(lines.begin(), lines.end(), same)) all.push_back(line);
  }
  return all;
}

std::string* field_of(NodeView& view, const std::string& name) {
  if (name == "role") return &view.role;
  if (name == "state") return &view.state;
  if (name == "partition") return &view.partition;
  if (name == "balance") return &view.balance;
  if (name == "thread_type") return &view.thread_type;
  return nullptr;
}

}  // namespace

std::map<std::string, NodeView> read_map(const std::vector<std::string>& lines) {
  std::map<std::string, NodeView> nodes;
  for (const auto& line : lines) {
    if (!line.starts_with("STAT ")) continue;
    const auto space = line.rfind(' ');
    const auto colon = line.rfind(':', space);
    const auto key = line.substr(5, colon - 5);
    if (auto* field = field_of(nodes[key], line.substr(colon + 1, space - colon - 1))) *field = line.substr(space + 1);
  }
  return nodes;
}

Cluster::Cluster(ClusterPlan plan) : plan_{std::move(plan)} { write_configs(); }

void Cluster::write_config(const Address& daemon, std::vector<std::string> lines) const {
  std::filesystem::create_directories(data_of(daemon));
  std::string text = "data-dir = " + data_of(daemon).string() + "\n";
  text += "server-name = " + daemon.name + "\nserver-port = " + std::to_string(daemon.port) + "\n";
  if (!plan_.tenant.empty()) text += "tenant = " + plan_.tenant + "\n";
  if (plan_.bind_addresses) text += "bind-address = " + daemon.name + "\n";
  for (const auto& line : lines) text += line + "\n";
  write_file(config_of(daemon), text);
}

void Cluster::write_configs() const {
  write_config(plan_.index, with_defaults(plan_.index_lines, {"monitor-threshold = 3", "monitor-interval = 1",
                                                              "monitor-read-timeout = 60000"}));
  for (const auto& node : plan_.nodes) {
    write_config(node, with_defaults(plan_.node_lines, {"index-server-name = " + plan_.index.name,
                                                        "index-server-port = " + std::to_string(plan_.index.port),
                                                        "storage-large = true"}));
  }
}

std::filesystem::path Cluster::config_of(const Address& daemon) const {
  return plan_.folder / (key_of(daemon) + ".conf");
}
std::filesystem::path Cluster::data_of(const Address& daemon) const { return plan_.folder / key_of(daemon); }
std::filesystem::path Cluster::log_of(const Address& daemon) const { return plan_.folder / (key_of(daemon) + ".log"); }

void Cluster::spawn(const std::string& name, const Address& daemon, const std::vector<std::string>& more_words) {
  Command command{.words = {program(name), "-f", config_of(daemon), "--stderr"}, .errors = log_of(daemon)};
  if (const auto found = plan_.networks.find(daemon.name); found != plan_.networks.end()) {
    command.network = found->second;
  }
  if (const auto found = plan_.launchers.find(key_of(daemon)); found != plan_.launchers.end()) {
    command.words.insert(command.words.begin(), found->second.begin(), found->second.end());
  }
  command.words.insert(command.words.end(), more_words.begin(), more_words.end());
  said_before_[key_of(daemon)] = read_file(log_of(daemon)).size();
  processes_.insert_or_assign(key_of(daemon), Process{command});
}

bool Cluster::says_since_its_start(const Address& daemon, const std::string& text) const {
  return read_file(log_of(daemon)).find(text, said_before_.at(key_of(daemon))) != std::string::npos;
}

void Cluster::spawn_index(const std::vector<std::string>& more_words) { spawn("flarei", plan_.index, more_words); }
void Cluster::spawn_node(std::size_t number, const std::vector<std::string>& more_words) {
  spawn("flared", plan_.nodes.at(number), more_words);
}

void Cluster::start_index() {
  spawn_index();
  require(eventually([&] { return serves(plan_.index) || !index_process().running(); }, start_limit) &&
              index_process().running(),
          "flarei does not serve: " + read_file(log_of(plan_.index)));
}

void Cluster::start_node(std::size_t number) {
  spawn_node(number);
  const auto& address = plan_.nodes.at(number);
  const auto up = [&] {
    if (!node_process(number).running()) return true;
    if (!says_since_its_start(address, "joined the cluster")) return false;
    const auto seen = view(number);
    return seen && seen->state == "active" && serves(address);
  };
  require(eventually(up, start_limit) && node_process(number).running(),
          "flared " + key_of(address) + " does not serve: " + read_file(log_of(address)));
}

void Cluster::start() {
  start_index();
  for (std::size_t number = 0; number < plan_.nodes.size(); ++number) start_node(number);
}

std::string Cluster::ask_index(const std::string& line) const { return TextClient{plan_.index}.ask(line); }

std::map<std::string, NodeView> Cluster::map() const {
  try {
    return read_map(TextClient{plan_.index}.ask_all("stats nodes"));
  } catch (const std::runtime_error&) {
    return {};
  }
}

std::optional<NodeView> Cluster::view(std::size_t number) const {
  const auto nodes = map();
  const auto found = nodes.find(key_of(plan_.nodes.at(number)));
  if (found == nodes.end()) return std::nullopt;
  return found->second;
}

bool Cluster::becomes(std::size_t number, const std::string& role, const std::string& state, Milliseconds limit) const {
  return eventually(
      [&] {
        const auto seen = view(number);
        return seen && seen->role == role && seen->state == state;
      },
      limit);
}

bool Cluster::settles(Milliseconds limit) {
  return eventually(
      [this] {
        const auto version = ask_stat(plan_.index, "stats", "node_map_version");
        return !version.empty() && std::all_of(plan_.nodes.begin(), plan_.nodes.end(), [&](const Address& node) {
          const auto process = processes_.find(key_of(node));
          if (process == processes_.end() || !process->second.running()) return true;
          return ask_stat(node, "stats", "node_map_version") == version;
        });
      },
      limit);
}

void Cluster::make_master(std::size_t number, int partition) {
  const auto answer = ask_index(role_line(node(number), "master 1 " + std::to_string(partition)));
  require(answer == "OK", "node role master: " + answer);
  require(becomes(number, "master", "active"), key_of(node(number)) + " does not become master");
  require(settles(), "the nodes do not take the map with the new master");
}

void Cluster::make_slave(std::size_t number, int balance, int partition) {
  const auto line = role_line(node(number), "slave " + std::to_string(balance) + " " + std::to_string(partition));
  const auto answer = ask_index(line);
  require(answer == "OK", "node role slave: " + answer);
  require(becomes(number, "slave", "active"),
          key_of(node(number)) + " does not become an active slave: " + read_file(log_of(node(number))));
  const auto second = ask_index(line);
  require(second == "OK", "second node role slave: " + second);
  require(settles(), "the nodes do not take the map with the new slave");
}

std::string program(const std::string& name) { return std::string{FLARE_BIN_DIR} + "/" + name; }

bool serves(const Address& daemon) {
  try {
    return TextClient{daemon, ask_limit}.ask("ping") == "OK";
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace flare::test
