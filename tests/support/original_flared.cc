#include "support/original_flared.h"

#include <fmt/format.h>

#include <stdexcept>
#include <tuple>
#include <utility>

#include "support/original_flared_parts.h"

namespace flare::test {

OriginalFlared::OriginalFlared(const Address& own, const Address& index) : own_{own}, index_{index} {}

OriginalFlared::~OriginalFlared() { kill(); }

void OriginalFlared::start() {
  {
    const std::lock_guard lock{mutex_};
    running_ = true;
    frozen_ = false;
  }
  server_ = std::make_unique<LineServer>(own_, [this](LineConnection& connection) { serve(connection); });
  TextClient index{index_};
  const auto nodes = index.ask_all("node add " + own_.name + " " + std::to_string(own_.port));
  OriginalMap map;
  for (const auto& line : nodes) {
    if (line == "END") continue;
    const auto node = parse_original_node(line);
    if (!node) throw std::runtime_error("an original exits: node add was answered '" + line + "'");
    map.nodes.emplace(node->key(), *node);
  }
  for (const auto& line : index.ask_all("meta")) {
    if (line != "END" && !line.starts_with("META ")) throw std::runtime_error("an original exits: meta: " + line);
  }
  const std::lock_guard lock{mutex_};
  if (map_.version == 0) map_ = std::move(map);  // a node sync may have been quicker
}

void OriginalFlared::stop() {
  std::ignore = tell_index("shutdown " + own_.name + " " + std::to_string(own_.port));
  kill();
}

void OriginalFlared::kill() {
  {
    const std::lock_guard lock{mutex_};
    running_ = false;
    changed_.notify_all();
    for (auto& [key, queue] : queues_) queue->more.notify_all();
  }
  if (server_) server_->stop();
  server_.reset();
  for (auto& [key, queue] : queues_) queue->thread.join();
  for (auto& build : builds_) build.join();
  builds_.clear();
  queues_.clear();
  const std::lock_guard lock{mutex_};
  map_ = {};
  dumping_ = dumps_held_ = false;
}

void OriginalFlared::freeze(bool frozen) {
  const std::lock_guard lock{mutex_};
  frozen_ = frozen;
  changed_.notify_all();
}

void OriginalFlared::hold_dumps(bool held) {
  const std::lock_guard lock{mutex_};
  dumps_held_ = held;
  changed_.notify_all();
}

void OriginalFlared::break_dumps_after(int entries) {
  const std::lock_guard lock{mutex_};
  break_after_ = entries;
}

bool OriginalFlared::dump_runs() const {
  const std::lock_guard lock{mutex_};
  return dumping_;
}

int OriginalFlared::dumps_begun() const {
  const std::lock_guard lock{mutex_};
  return dumps_;
}

std::size_t OriginalFlared::queued() const {
  const std::lock_guard lock{mutex_};
  std::size_t count = 0;
  for (const auto& [name, queue] : queues_) count += queue->requests.size() + (queue->sending ? 1 : 0);
  return count;
}

OriginalMap OriginalFlared::map() const {
  const std::lock_guard lock{mutex_};
  return map_;
}

std::map<std::string, OriginalRecord> OriginalFlared::records() const {
  const std::lock_guard lock{mutex_};
  return store_.records();
}

std::vector<OriginalExchange> OriginalFlared::exchanges() const {
  const std::lock_guard lock{mutex_};
  return exchanges_;
}

std::vector<std::string> OriginalFlared::complaints() const {
  const std::lock_guard lock{mutex_};
  return complaints_;
}

void OriginalFlared::complain(const std::string& what) {
  const std::lock_guard lock{mutex_};
  complaints_.push_back(what);
}

void OriginalFlared::note(const std::string& request, const std::string& answer) {
  const std::lock_guard lock{mutex_};
  const auto bare = [](std::string text) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
  };
  exchanges_.push_back({bare(request), bare(answer)});
}

const OriginalNode* OriginalFlared::own_entry() const {
  const auto found = map_.nodes.find(key());
  return found == map_.nodes.end() ? nullptr : &found->second;
}

void OriginalFlared::serve(LineConnection& connection) {
  while (const auto line = connection.read_line()) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return !frozen_ || !running_; });
      if (!running_) return;
    }
    if (!answer(connection, *line)) return;
  }
}

// False: the connection ends.
bool OriginalFlared::answer(LineConnection& connection, const std::string& line) {
  const auto words = words_of(line);
  if (words.size() == 1 && words[0] == "quit") return false;
  std::size_t payload = 0;
  if (auto parsed = parse_write(line, payload)) {
    auto request = line;
    if (has_payload(parsed->command)) {
      const auto data = connection.read_exactly(payload + 2);
      if (!data) return false;
      parsed->data = data->substr(0, payload);
      request += "\r\n" + *data;
    }
    const bool noreply = parsed->noreply;
    const auto text = write(std::move(*parsed));
    note(request, noreply ? "" : text);
    return noreply || connection.send(text);
  }
  if (!words.empty() && words[0] == "dump") {
    dump(connection, words);
    return true;
  }
  std::string text;
  auto request = line;
  if (words.size() >= 2 && words[0] == "node" && words[1] == "sync") {
    text = take_map(connection, words, request);
  } else if (!words.empty() && (words[0] == "get" || words[0] == "gets")) {
    text = read(words);
  } else {
    text = simple_answer(words);
  }
  if (text == "ERROR\r\n") complain("not understood: " + line);
  note(request, text);
  return connection.send(text);
}

std::string OriginalFlared::simple_answer(const std::vector<std::string>& words) {
  const bool alone = words.size() == 1;
  const std::string first = words.empty() ? "" : words[0];
  if (alone && first == "ping") return "OK\r\n";
  if (alone && first == "version") return "VERSION flare-1.3.4\r\n";
  const std::lock_guard lock{mutex_};
  if (alone && first == "flush_all") {
    store_.clear();
    return "OK\r\n";
  }
  if (words.size() == 2 && first == "stats" && words[1] == "nodes") return map_.stats();
  if (alone && first == "stats") {
    return fmt::format("STAT curr_items {}\r\nSTAT node_map_version {}\r\nEND\r\n", store_.records().size(),
                       map_.version);
  }
  return "ERROR\r\n";
}

std::string OriginalFlared::tell_index(const std::string& line) {
  try {
    return TextClient{index_}.ask(line);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace flare::test
