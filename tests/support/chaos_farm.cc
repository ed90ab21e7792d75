#include "support/chaos_farm.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr Milliseconds restore_limit{90'000};
constexpr Milliseconds operator_patience{20'000};
constexpr int index_unavailable = 69;  // README: a node that its index does not take, or cannot be asked
constexpr std::size_t log_tail_bytes = 6'000;
constexpr const char* driver = "10.77.0.1";
constexpr const char* clients = "10.77.0.2";
constexpr const char* index_host = "10.77.0.10";

std::string host_of(std::size_t node) { return fmt::format("10.77.0.{}", 11 + node); }

std::string tail_of(const std::filesystem::path& path) {
  const auto text = read_file(path);
  return text.size() > log_tail_bytes ? text.substr(text.size() - log_tail_bytes) : text;
}

std::string replication(const Address& node, const std::string& name) {
  return ask_stat(node, "stats replication", name);
}

std::uint64_t number_or_zero(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kill:
      return "kill";
    case FaultKind::lose_disk:
      return "kill, and lose the disk of,";
    case FaultKind::freeze:
      return "freeze";
    case FaultKind::cut_from_index:
      return "cut from the index";
    case FaultKind::cut_nodes:
      return "cut from another node";
    case FaultKind::cut_clients:
      return "cut the clients from";
    case FaultKind::isolate:
      return "isolate";
    case FaultKind::node_down:
      return "node state down of";
    case FaultKind::kill_index:
      return "kill the index";
    case FaultKind::freeze_index:
      return "freeze the index";
    case FaultKind::split:
      return "split";
  }
  return "";
}

}  // namespace

std::string to_text(const Fault& fault) {
  auto text = fmt::format("after {} ms {}", fault.after.count(), name_of(fault.kind));
  const bool of_node =
      fault.kind != FaultKind::kill_index && fault.kind != FaultKind::freeze_index && fault.kind != FaultKind::split;
  if (of_node) text += fmt::format(" node {}", fault.node);
  if (fault.kind == FaultKind::cut_nodes) text += fmt::format(", node {}", fault.other);
  const bool is_cut = fault.kind == FaultKind::cut_nodes || fault.kind == FaultKind::cut_from_index;
  if (is_cut && fault.there != fault.back) text += fault.there ? ", one way" : ", one way back";
  return text;
}

std::vector<std::string> ChaosFarm::hosts(bool splits) {
  std::vector<std::string> all{index_host};
  for (std::size_t node = 0; node <= (splits ? new_slave : proxy); ++node) all.push_back(host_of(node));
  return all;
}

ClusterPlan ChaosFarm::cluster_plan(const Plan& plan, const FarmNetwork& network) {
  ClusterPlan made{.folder = plan.folder,
                   .index = {.name = index_host, .port = 12120},
                   .index_lines = {"monitor-read-timeout = 1000"}};  // who stands still or is cut off is deposed
  made.networks.emplace(index_host, network.network_of(index_host));
  for (std::size_t node = 0; node <= (plan.splits ? new_slave : proxy); ++node) {
    made.nodes.push_back({host_of(node), 12121});
    made.networks.emplace(host_of(node), network.network_of(host_of(node)));
  }
  made.node_lines = {"threads = 2", "failover-wait = 5", "proxy-read-error = error"};
  if (plan.sync) made.node_lines.emplace_back("replication-type = sync");
  return made;
}

ChaosFarm::ChaosFarm(Plan plan)
    : plan_{std::move(plan)}, network_{driver, hosts(plan_.splits)}, cluster_{cluster_plan(plan_, network_)} {
  network_.add_address(clients);
}

std::string ChaosFarm::client_address() { return clients; }

void ChaosFarm::start() {
  cluster_.start();
  cluster_.make_master(0);
  for (std::size_t node = 1; node < members; ++node) cluster_.make_slave(node, plan_.slave_balance);
  if (const auto wrong = restore(); !wrong.empty()) throw std::runtime_error(wrong);
}

std::string ChaosFarm::words(std::size_t number) const {
  const auto& node = cluster_.node(number);
  return node.name + " " + std::to_string(node.port);
}

void ChaosFarm::cut(const std::string& from, const std::string& to) {
  network_.cut_path(from, to);
  cut_.emplace(from, to);
}

void ChaosFarm::mend_all() {
  for (const auto& [from, to] : cut_) network_.mend_path(from, to);
  cut_.clear();
  for (const auto node : unplugged_) network_.mend(host_of(node));
  unplugged_.clear();
}

void ChaosFarm::tell_index(const std::string& line) {
  try {
    static_cast<void>(cluster_.ask_index(line));
  } catch (const std::runtime_error&) {
    return;  // it is down or does not answer in time: who waits for the outcome asks again
  }
}

void ChaosFarm::apply(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::lose_disk:
      wiped_.insert(fault.node);
      [[fallthrough]];
    case FaultKind::kill:
      static_cast<void>(unexpected_ends());
      cluster_.node_process(fault.node).kill();
      down_.insert(fault.node);
      touched_.insert(fault.node);
      return;
    case FaultKind::freeze:
      return cluster_.node_process(fault.node).freeze();
    case FaultKind::cut_from_index:
      if (fault.there) cut(host_of(fault.node), index_host);
      if (fault.back) cut(index_host, host_of(fault.node));
      return;
    case FaultKind::cut_nodes:
      if (fault.there) cut(host_of(fault.node), host_of(fault.other));
      if (fault.back) cut(host_of(fault.other), host_of(fault.node));
      return;
    case FaultKind::cut_clients:
      return cut(host_of(fault.node), clients);
    case FaultKind::isolate:
      network_.cut(host_of(fault.node));
      unplugged_.insert(fault.node);
      return;
    case FaultKind::node_down:
      return ask_operator("node state " + words(fault.node) + " down");
    case FaultKind::kill_index:
      static_cast<void>(unexpected_ends());
      cluster_.index_process().kill();
      index_down_ = true;
      return;
    case FaultKind::freeze_index:
      return cluster_.index_process().freeze();
    case FaultKind::split:
      split_begun_ = true;
      return ask_operator("node role " + words(new_master) + " master 1 1");
  }
}

void ChaosFarm::ask_operator(const std::string& line) {
  try {
    TextClient client{cluster_.index(), operator_patience};
    client.send(line + "\r\n");
    unanswered_.push_back(std::move(client));
  } catch (const std::runtime_error&) {
    return;  // the index is down: nothing was asked
  }
}

// What was asked of a frozen index takes effect when it goes on: not after all has been found right.
void ChaosFarm::hear_operator() {
  for (auto& client : unanswered_) {
    try {
      static_cast<void>(client.read_line());
    } catch (const std::runtime_error&) {
      continue;  // it was killed
    }
  }
  unanswered_.clear();
}

void ChaosFarm::undo(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kill:
    case FaultKind::lose_disk:
      if (down_.erase(fault.node) == 0) return;
      wipe_if_proxy(fault.node);
      return cluster_.spawn_node(fault.node);
    case FaultKind::freeze:
      return cluster_.node_process(fault.node).thaw();
    case FaultKind::cut_from_index:
    case FaultKind::cut_nodes:
    case FaultKind::cut_clients:
    case FaultKind::isolate:
      return mend_all();
    case FaultKind::kill_index:
      if (index_down_) cluster_.spawn_index();
      index_down_ = false;
      return;
    case FaultKind::freeze_index:
      return cluster_.index_process().thaw();
    case FaultKind::node_down:
    case FaultKind::split:
      return;  // the operator's, in restore()
  }
}

// A proxy has no copy that counts any more.
void ChaosFarm::wipe_if_proxy(std::size_t node) {
  if (wiped_.erase(node) == 0) return;
  const auto seen = cluster_.view(node);
  if (!seen || seen->role != "proxy") return;
  lost_a_disk_ = true;
  std::filesystem::remove_all(cluster_.data_of(cluster_.node(node)));
  std::filesystem::create_directories(cluster_.data_of(cluster_.node(node)));
}

std::string ChaosFarm::unexpected_ends() {
  const auto note = [this](const std::string& name, Process& process) {
    if (process.running()) return;
    const auto ending = process.wait(Milliseconds{0}).value_or(Ending{});
    ended_ += fmt::format("{} has ended by itself, code {}, signal {}\n", name, ending.code, ending.signal);
  };
  if (!index_down_) note("the index", cluster_.index_process());
  for (std::size_t node = 0; node < nodes(); ++node) {
    if (!down_.contains(node)) note(fmt::format("node {}", node), cluster_.node_process(node));
  }
  return ended_;
}

// A node that could not join its index says so and ends: an operator, or systemd, starts it again.
bool ChaosFarm::starts_again() {
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto& process = cluster_.node_process(node);
    if (process.running()) continue;
    const auto ending = process.wait(Milliseconds{0});
    if (!ending || ending->code != index_unavailable || !touched_.contains(node)) return false;
    ++refused_starts_;
    cluster_.spawn_node(node);
  }
  return cluster_.index_process().running();
}

const NodeView* ChaosFarm::view_of(const std::map<std::string, NodeView>& map, std::size_t number) const {
  const auto found = map.find(key_of(cluster_.node(number)));
  return found == map.end() ? nullptr : &found->second;
}

std::vector<std::vector<std::size_t>> ChaosFarm::partitions() const {
  std::vector<std::vector<std::size_t>> found(split_begun_ ? 2 : 1);
  const auto map = cluster_.map();
  for (std::size_t node = 0; node < nodes(); ++node) {
    const auto* seen = view_of(map, node);
    const auto partition = seen ? std::strtol(seen->partition.c_str(), nullptr, 10) : -1;
    if (!seen || seen->state != "active" || partition < 0 || partition >= static_cast<long>(found.size())) continue;
    auto& group = found[static_cast<std::size_t>(partition)];
    seen->role == "master" ? static_cast<void>(group.insert(group.begin(), node)) : group.push_back(node);
  }
  return found;
}

bool ChaosFarm::give_place(std::size_t number, std::size_t master, int partition,
                           const std::map<std::string, NodeView>& map) {
  const auto* seen = view_of(map, number);
  if (!seen || seen->state == "down" || number == master) return number == master;
  const auto balance = std::to_string(plan_.slave_balance);
  const bool in_place = seen->role == "slave" && seen->state == "active" && seen->balance == balance;
  if (in_place) return true;
  if (seen->state == "prepare") return false;  // being built
  touched_.insert(number);
  tell_index(fmt::format("node role {} slave {} {}", words(number), balance, partition));
  return false;
}

// docs/operations.md, "More partitions"; begun again if its master has died before it was active.
bool ChaosFarm::give_new_partition(const std::map<std::string, NodeView>& map) {
  const auto* leader = view_of(map, new_master);
  const auto* follower = view_of(map, new_slave);
  if (!leader || !follower) return false;
  if (leader->role == "proxy" && leader->state == "active" && follower->role != "master") {
    if (follower->role == "proxy") tell_index("node role " + words(new_master) + " master 1 1");
    return false;
  }
  if (leader->role == "master" && leader->state == "ready") tell_index("node state " + words(new_master) + " active");
  const bool serves = leader->role == "master" && leader->state == "active";
  const bool other_serves = follower->role == "master" && follower->state == "active";
  if (!serves && !other_serves) return false;
  const auto master = serves ? new_master : new_slave;
  return give_place(serves ? new_slave : new_master, master, 1, map);
}

bool ChaosFarm::give_places() {
  const auto map = cluster_.map();
  std::optional<std::size_t> master;
  for (std::size_t node = 0; node < members; ++node) {
    const auto* seen = view_of(map, node);
    if (seen && seen->role == "master" && seen->state == "active") master = node;
  }
  if (!master) return false;
  bool all = true;
  for (std::size_t node = 0; node < members; ++node) all = give_place(node, *master, 0, map) && all;
  if (split_begun_) all = give_new_partition(map) && all;
  return all;
}

bool ChaosFarm::is_right() {
  if (!starts_again() || !give_places()) return false;
  const auto groups = partitions();
  const bool in_sync = std::all_of(groups.begin(), groups.end(), [&](const auto& group) {
    const auto wanted = &group == &groups.front() ? members : new_slave - new_master + 1;
    return group.size() == wanted &&  // the master first
           replication(cluster_.node(group.front()), "in_sync_nodes") == std::to_string(wanted);
  });
  return in_sync && cluster_.settles(Milliseconds{2'000});
}

std::string ChaosFarm::restore() {
  mend_all();
  if (index_down_) undo({.kind = FaultKind::kill_index});
  cluster_.index_process().thaw();
  hear_operator();
  for (std::size_t node = 0; node < nodes(); ++node) {
    cluster_.node_process(node).thaw();
    if (down_.contains(node)) undo({.kind = FaultKind::kill, .node = node});
  }
  if (eventually([this] { return is_right(); }, restore_limit)) return {};
  return "the farm does not come right\n" + unexpected_ends() + report();
}

std::set<std::size_t> ChaosFarm::take_touched() { return std::exchange(touched_, {}); }

bool ChaosFarm::slaves_catch_up() {
  for (const auto& group : partitions()) {
    if (group.empty()) return false;
    const auto written = number_or_zero(replication(cluster_.node(group.front()), "sequence"));
    const auto has_all = [&](std::size_t node) {
      return eventually([&] { return number_or_zero(replication(cluster_.node(node), "sequence")) >= written; });
    };
    if (!std::all_of(group.begin(), group.end(), has_all)) return false;
  }
  return true;
}

int ChaosFarm::failovers() const {
  const auto log = read_file(cluster_.log_of(cluster_.index()));
  int count = 0;
  for (auto at = log.find(" to master/active"); at != std::string::npos; at = log.find(" to master/active", at + 1)) {
    const auto from = log.rfind(" from slave/", at);
    if (from != std::string::npos && log.find('\n', from) > at) ++count;
  }
  return count;
}

std::uint64_t ChaosFarm::undone_writes() const {
  constexpr std::string_view mark = " writes that this node had acknowledged asynchronously as master were unknown";
  std::uint64_t sum = 0;
  for (std::size_t node = 0; node < nodes(); ++node) {
    const auto log = read_file(cluster_.log_of(cluster_.node(node)));
    for (auto at = log.find(mark); at != std::string::npos; at = log.find(mark, at + 1)) {
      sum += number_or_zero(log.substr(log.rfind(' ', at - 1) + 1));
    }
  }
  return sum;
}

std::string ChaosFarm::report() {
  std::string text;
  for (const auto& [key, view] : cluster_.map()) {
    text +=
        fmt::format("{}: {} {} partition {} balance {}\n", key, view.role, view.state, view.partition, view.balance);
  }
  for (std::size_t node = 0; node < nodes(); ++node) {
    const auto& address = cluster_.node(node);
    for (const auto* name : {"in_sync_nodes", "follow_state", "sequence", "epoch", "lost_async_writes"}) {
      text += fmt::format("node {}: {} {}\n", node, name, replication(address, name));
    }
    text += tail_of(cluster_.log_of(address));
  }
  return text + tail_of(cluster_.log_of(cluster_.index()));
}

}  // namespace flare::test
