#include "support/original_flarei.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "support/original_rules.h"

namespace flare::test {
namespace {

constexpr Milliseconds interval{200};  // of the probes: short, so that tests are
constexpr Milliseconds read_timeout{1'000};
constexpr Milliseconds delivery_limit{5'000};  // the original waits for days (cluster.md 9.4)

}  // namespace

OriginalFlarei::OriginalFlarei(const Address& own, std::filesystem::path data_dir)
    : own_{own}, file_{std::move(data_dir) / "flare.xml"} {}

OriginalFlarei::~OriginalFlarei() { stop(); }

void OriginalFlarei::start() {
  {
    const std::lock_guard lock{mutex_};
    running_ = true;
    map_ = std::filesystem::exists(file_) ? read_original_xml(file_) : OriginalMap{};
    for (const auto& [key, node] : map_.nodes) ensure_monitor(node);
  }
  server_ = std::make_unique<LineServer>(own_, [this](LineConnection& connection) { serve(connection); });
}

void OriginalFlarei::stop() {
  if (server_) server_->stop();
  server_.reset();
  {
    const std::lock_guard lock{mutex_};
    running_ = false;
    for (auto& [key, monitor] : monitors_) monitor->more.notify_all();
  }
  for (auto& [key, monitor] : monitors_) monitor->thread.join();
  monitors_.clear();
}

OriginalMap OriginalFlarei::map() const {
  const std::lock_guard lock{mutex_};
  return map_;
}

std::vector<OriginalExchange> OriginalFlarei::exchanges() const {
  const std::lock_guard lock{mutex_};
  return exchanges_;
}

std::vector<std::string> OriginalFlarei::complaints() const {
  const std::lock_guard lock{mutex_};
  return complaints_;
}

void OriginalFlarei::serve(LineConnection& connection) {
  while (const auto line = connection.read_line()) {
    if (*line == "quit") return;
    const auto text = answer(*line);
    {
      const std::lock_guard lock{mutex_};
      exchanges_.push_back({*line, text.substr(0, text.size() - 2)});
      if (text == "ERROR\r\n") complaints_.push_back("not understood: " + *line);
    }
    if (!connection.send(text)) return;
  }
}

// Strict: a word too many is no such request.
std::string OriginalFlarei::answer(const std::string& line) {
  const auto words = words_of(line);
  const auto is = [&](std::initializer_list<const char*> begin, std::size_t least, std::size_t most) {
    std::size_t i = 0;
    for (const auto* word : begin) {
      if (i >= words.size() || words[i++] != word) return false;
    }
    return words.size() >= least && words.size() <= most;
  };
  const auto said = [](bool done, const char* what) {
    return done ? std::string{"OK\r\n"} : fmt::format("SERVER_ERROR failed to {}\r\n", what);
  };
  if (is({"ping"}, 1, 1)) return "OK\r\n";
  if (is({"version"}, 1, 1)) return "VERSION flare-1.3.4\r\n";
  if (is({"meta"}, 1, 1)) {
    return "META partition-size 1024\r\nMETA key-hash-algorithm simple\r\nMETA partition-type modular\r\n"
           "META partition-modular-hint 1\r\nMETA partition-modular-virtual 4096\r\nEND\r\n";
  }
  if (is({"stats", "nodes"}, 2, 2)) return map().stats();
  if (is({"stats"}, 1, 1)) return fmt::format("STAT node_map_version {}\r\nEND\r\n", map().version);
  if (is({"node", "add"}, 4, 4) && number_of(words[3])) return add(words[2], static_cast<int>(*number_of(words[3])));
  if (is({"node", "role"}, 5, 99)) {
    return said(change([&](OriginalMap& map) { return change_original_role(map, words); }), "set role (and balance)");
  }
  if (is({"node", "remove"}, 4, 4)) return remove(words[2] + ":" + words[3]);
  if (is({"shutdown"}, 3, 3)) {
    return said(change([&](OriginalMap& map) { return original_node_down(map, words[1] + ":" + words[2]); }),
                "shutdown");
  }
  if (!is({"node", "state"}, 5, 5)) return "ERROR\r\n";
  const auto key = words[2] + ":" + words[3];
  return said(change([&](OriginalMap& map) {
                if (words[4] == "active") return original_node_up(map, key);
                if (words[4] == "ready") return original_node_ready(map, key);
                return words[4] == "down" && original_node_down(map, key);
              }),
              "set state");
}

std::string OriginalFlarei::add(const std::string& name, int port) {
  const auto key = name + ":" + std::to_string(port);
  const bool added = change([&](OriginalMap& map) {
    const auto found = map.nodes.find(key);
    if (found != map.nodes.end()) return found->second.state == OriginalNode::down;
    OriginalNode node;
    node.name = name;
    node.port = port;
    node.thread_type = map.next_thread_type++;
    ensure_monitor(map.nodes.emplace(key, node).first->second);
    return true;
  });
  return added ? map().lines() : "SERVER_ERROR failed to add node\r\n";
}

std::string OriginalFlarei::remove(const std::string& key) {
  const bool removed = change([&](OriginalMap& map) {
    const auto found = map.nodes.find(key);
    if (found == map.nodes.end() || found->second.state != OriginalNode::down) return false;
    if (found->second.role == OriginalNode::master) return false;
    map.nodes.erase(found);
    return true;
  });
  return removed ? "OK\r\n" : "SERVER_ERROR failed to remove node\r\n";
}

bool OriginalFlarei::change(const Change& decide) {
  const std::lock_guard lock{mutex_};
  auto changed = map_;
  if (!decide(changed)) return false;
  changed.version += 1;
  map_ = std::move(changed);
  write_original_xml(file_, map_);
  publish();
  return true;
}

// With the mutex held. A node that is down gets a map with its next up event (cluster.md 4.2).
void OriginalFlarei::publish() {
  for (auto& [key, monitor] : monitors_) {
    const auto found = map_.nodes.find(key);
    monitor->ended = found == map_.nodes.end();
    if (!monitor->ended && found->second.state != OriginalNode::down) monitor->due = map_;
    monitor->more.notify_all();
  }
}

void OriginalFlarei::ensure_monitor(const OriginalNode& node) {
  auto& monitor = monitors_[node.key()];
  if (monitor) return;
  monitor = std::make_unique<Monitor>();
  monitor->to = {node.name, static_cast<std::uint16_t>(node.port)};
  monitor->thread = std::thread{[this, key = node.key(), &made = *monitor] { watch(key, made); }};
}

void OriginalFlarei::event(const std::string& key, bool up) {
  change([&](OriginalMap& map) { return up ? original_node_up(map, key) : original_node_down(map, key); });
}

bool OriginalFlarei::deliver(TextClient& client, const OriginalMap& map) {
  client.send(fmt::format("node sync {}\r\n{}", map.version, map.lines()));
  return client.read_line() == "OK";
}

void OriginalFlarei::watch(const std::string& key, Monitor& monitor) {
  std::unique_ptr<TextClient> client;
  int failures = 0;
  for (;;) {
    std::optional<OriginalMap> due;
    {
      std::unique_lock lock{mutex_};
      monitor.more.wait_for(lock, interval, [&] { return !running_ || (monitor.due && !monitor.ended); });
      if (!running_) return;
      if (monitor.ended) continue;
      due = std::exchange(monitor.due, std::nullopt);
      const bool down = map_.nodes.at(key).state == OriginalNode::down;
      if (down) failures = threshold_;
      if (!down && failures >= threshold_) failures = 0;
    }
    bool good = false;
    try {
      if (!client) client = std::make_unique<TextClient>(monitor.to, due ? delivery_limit : read_timeout);
      good = due ? deliver(*client, *due) : client->ask("ping") == "OK";
    } catch (const std::runtime_error&) {
      client.reset();
    }
    if (good && failures >= threshold_) event(key, true);
    failures = good ? 0 : failures + 1;
    if (failures == threshold_) event(key, false);
  }
}

}  // namespace flare::test
