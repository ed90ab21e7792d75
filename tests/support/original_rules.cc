#include "support/original_rules.h"

#include <algorithm>

namespace flare::test {
namespace {

using Node = OriginalNode;

void make_proxy(Node& node, int state) {
  node.role = Node::proxy;
  node.state = state;
  node.partition = -1;
  node.balance = 0;
}

bool prepares(const Node& node) { return node.state == Node::prepare || node.state == Node::ready; }

void cancel_slaves(OriginalMap& map, int partition) {
  for (auto& [key, node] : map.nodes) {
    if (node.role == Node::slave && node.partition == partition) make_proxy(node, Node::active);
  }
}

bool take_balance(OriginalMap& map, Node& node, int balance) {
  if (balance < 0) return true;
  int sum = balance;
  for (const auto& [key, other] : map.nodes) {
    if (other.partition == node.partition && &other != &node) sum += other.balance;
  }
  if (sum == 0) return false;
  node.balance = balance;
  return true;
}

bool proxy_to_master(OriginalMap& map, Node& node, int balance, int partition) {
  const int partitions = map.active_partitions();
  if (partition < 0 || partition > partitions || balance <= 0) return false;
  if (partition == partitions) {
    if (map.master_of(partition, true)) return false;
    node.state = partition == 0 ? Node::active : Node::prepare;
  } else if (map.master_of(partition)) {
    return false;
  }
  node.role = Node::master;
  node.partition = partition;
  node.balance = balance;
  return true;
}

bool proxy_to_slave(OriginalMap& map, Node& node, int balance, int partition) {
  const auto* master = map.master_of(partition);
  const auto* preparing = map.master_of(partition, true);
  if (partition < 0 || (!master && !preparing)) return false;
  node.role = Node::slave;
  node.state = Node::prepare;
  node.partition = partition;
  node.balance = master ? 0 : std::max(balance, 0);
  return true;
}

bool slave_to_proxy(OriginalMap& map, Node& node) {
  int others = 0;
  for (const auto& [key, other] : map.nodes) {
    if (other.partition == node.partition && &other != &node) others += other.balance;
  }
  if (node.state == Node::active && others == 0) return false;
  make_proxy(node, Node::active);
  return true;
}

Node* best_slave(OriginalMap& map, int partition) {
  Node* best = nullptr;
  for (auto& [key, node] : map.nodes) {
    const bool fits = node.role == Node::slave && node.state == Node::active && node.partition == partition;
    if (fits && (!best || node.balance > best->balance)) best = &node;
  }
  return best;
}

}  // namespace

bool change_original_role(OriginalMap& map, const std::vector<std::string>& words) {
  if (words.size() < 5) return false;
  const auto found = map.nodes.find(words[2] + ":" + words[3]);
  if (found == map.nodes.end() || found->second.state == Node::down) return false;
  Node& node = found->second;
  const auto number = [&](std::size_t at) {
    return words.size() > at ? static_cast<int>(number_of(words[at]).value_or(-1)) : -1;
  };
  const auto& asked = words[4];
  const int balance = number(5);
  const int partition = number(6);
  if (node.role == Node::proxy) {
    if (asked == "proxy") return true;
    if (asked == "slave") return proxy_to_slave(map, node, balance, partition);
    return asked == "master" && proxy_to_master(map, node, balance, partition);
  }
  if (node.role == Node::slave) {
    if (asked == "proxy") return slave_to_proxy(map, node);
    return asked == "slave" && node.state == Node::active && take_balance(map, node, balance);
  }
  if (asked == "master") return take_balance(map, node, balance);
  if (asked != "proxy" || !prepares(node)) return false;
  cancel_slaves(map, node.partition);
  make_proxy(node, Node::active);
  return true;
}

bool original_node_down(OriginalMap& map, const std::string& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return false;
  Node& node = found->second;
  if (node.state == Node::down) return true;
  if (node.role == Node::master && prepares(node)) {
    cancel_slaves(map, node.partition);
  } else if (node.role == Node::master) {
    auto* heir = best_slave(map, node.partition);
    if (!heir) {
      node.state = Node::down;  // preserved
      return true;
    }
    heir->role = Node::master;
    if (heir->balance == 0) heir->balance = 1;
  }
  make_proxy(node, Node::down);
  return true;
}

bool original_node_up(OriginalMap& map, const std::string& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return false;
  Node& node = found->second;
  if (node.state == Node::active) return true;
  if (node.role == Node::master && node.state == Node::prepare) return false;
  if (prepares(node)) {
    node.state = Node::active;
    return true;
  }
  const bool taken = std::any_of(map.nodes.begin(), map.nodes.end(), [&](const auto& entry) {
    const Node& other = entry.second;
    return &other != &node && other.state != Node::down && other.partition == node.partition;
  });
  if (node.role == Node::master && !taken) {
    node.state = Node::active;
  } else {
    make_proxy(node, Node::active);
  }
  return true;
}

bool original_node_ready(OriginalMap& map, const std::string& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end() || found->second.state != Node::prepare) return false;
  found->second.state = Node::ready;
  return true;
}

}  // namespace flare::test
