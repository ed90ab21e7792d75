#include "support/original_flared.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace flare::test {
namespace {

constexpr std::int64_t relative_max_s = 60 * 60 * 24 * 30;

std::int64_t absolute(std::int64_t expire) {
  return expire > 0 && expire <= relative_max_s ? std::time(nullptr) + expire : expire;
}

bool has_payload(const std::string& command) {
  return command == "set" || command == "add" || command == "replace" || command == "append" || command == "prepend" ||
         command == "cas";
}

Address address_of(const OriginalNode& node) { return {node.name, static_cast<std::uint16_t>(node.port)}; }

// As cluster-wire-replication.txt has them: forwarded without a version, replicated with the new one.
std::string form_of(const OriginalWrite& write, const std::string& own) {
  auto line = "<" + (write.prefix.empty() ? own : write.prefix + "," + own) + ">" + write.command + " " + write.key;
  if (has_payload(write.command)) line += fmt::format(" {} {} {}", write.flags, write.expire_s, write.data.size());
  if (write.command == "delete" || write.command == "touch") line += " " + std::to_string(write.expire_s);
  if (write.command == "incr" || write.command == "decr") line += " " + std::to_string(write.delta);
  if (write.version != 0 && write.command != "touch") line += " " + std::to_string(write.version);
  if (write.noreply) line += " noreply";
  line += "\r\n";
  return has_payload(write.command) ? line + write.data + "\r\n" : line;
}

}  // namespace

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

std::string OriginalFlared::take_map(LineConnection& connection, const std::vector<std::string>& words,
                                     std::string& request) {
  const auto version = words.size() > 2 ? number_of(words[2]) : std::optional<std::int64_t>{0};
  if (words.size() > 3 || !version) return "ERROR\r\n";
  OriginalMap map;
  map.version = static_cast<std::uint64_t>(*version);
  for (;;) {
    const auto line = connection.read_line();
    if (!line) return "";
    request += "\r\n" + *line;
    if (*line == "END") break;
    const auto node = parse_original_node(*line);
    if (!node) return "CLIENT_ERROR format error\r\n";
    map.nodes.emplace(node->key(), *node);
  }
  std::optional<OriginalNode> before;
  {
    const std::lock_guard lock{mutex_};
    if (map_.version > map.version) return "SERVER_ERROR node sync error\r\n";
    if (const auto* own = own_entry()) before = *own;
    map_ = std::move(map);
  }
  act_on_role(before);
  return "OK\r\n";
}

// cluster.md 1.7: only proxy -> slave and proxy -> master do something.
void OriginalFlared::act_on_role(const std::optional<OriginalNode>& before) {
  const std::lock_guard lock{mutex_};
  const auto* own = own_entry();
  if (!own || !before || before->role != OriginalNode::proxy || own->role == OriginalNode::proxy || !running_) return;
  const auto me = own_.name + " " + std::to_string(own_.port);
  if (own->role == OriginalNode::slave) {
    const auto* master = map_.master_of(own->partition);
    if (!master) master = map_.master_of(own->partition, true);
    if (!master) return;
    const int partitions = map_.active_partitions() + (own->partition >= map_.active_partitions() ? 1 : 0);
    builds_.emplace_back([this, sources = std::vector{*master}, partition = own->partition, partitions, me] {
      build(sources, partition, partitions, "node state " + me + " active");
    });
    return;
  }
  std::vector<OriginalNode> sources;
  for (const auto& [key, node] : map_.nodes) {
    if (node.role == OriginalNode::master && node.state == OriginalNode::active && key != own->key())
      sources.push_back(node);
  }
  if (sources.empty()) return;
  builds_.emplace_back([this, sources, partition = own->partition, partitions = map_.active_partitions() + 1, me] {
    build(sources, partition, partitions, "node state " + me + " ready");
  });
}

void OriginalFlared::build(std::vector<OriginalNode> sources, int partition, int partitions, std::string done) {
  try {
    for (const auto& source : sources) build_from(source, partition, partitions);
  } catch (const std::runtime_error& error) {
    done = fmt::format("node role {} {} proxy 0 -1", own_.name, own_.port);
    complain(std::string{"build: "} + error.what());
  }
  std::ignore = tell_index(done);
}

void OriginalFlared::build_from(const OriginalNode& source, int partition, int partitions) {
  TextClient client{address_of(source), Milliseconds{20'000}};
  client.send(fmt::format("dump 0 {} {}\r\n", partition, partitions));
  for (;;) {
    const auto line = client.read_line();
    if (line == "END") return;
    const auto words = words_of(line);
    const auto size = words.size() == 6 && words[0] == "VALUE" ? number_of(words[3]) : std::nullopt;
    const auto version = size ? number_of(words[4]) : std::nullopt;
    const auto expire = version ? number_of(words[5]) : std::nullopt;
    if (!expire) throw std::runtime_error("dump was answered '" + line + "'");
    auto data = client.read_exactly(static_cast<std::size_t>(*size) + 2);
    data.resize(data.size() - 2);
    const std::lock_guard lock{mutex_};
    if (!running_) return;
    store_.put_dumped(words[1], {static_cast<std::uint32_t>(number_of(words[2]).value_or(0)), *expire,
                                 static_cast<std::uint64_t>(*version), data});
  }
}

std::string OriginalFlared::tell_index(const std::string& line) {
  try {
    return TextClient{index_}.ask(line);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

// Strict: a word too many is no such request.
std::optional<OriginalWrite> OriginalFlared::parse_write(const std::string& line, std::size_t& payload) {
  OriginalWrite write;
  auto rest = line;
  if (rest.starts_with('<')) {
    const auto end = rest.find('>');
    if (end == std::string::npos) return std::nullopt;
    write.prefixed = true;
    write.prefix = rest.substr(1, end - 1);
    rest.erase(0, end + 1);
  }
  auto words = words_of(rest);
  if (words.size() < 2) return std::nullopt;
  write.command = words[0];
  write.key = words[1];
  words.erase(words.begin(), words.begin() + 2);
  while (!words.empty() && (words.back() == "noreply" || words.back() == "sync" || words.back() == "async")) {
    write.noreply |= words.back() == "noreply";
    words.pop_back();
  }
  std::vector<std::int64_t> numbers;
  for (const auto& word : words) {
    const auto number = number_of(word);
    if (!number || (*number < 0 && write.command != "delete")) return std::nullopt;
    numbers.push_back(*number);
  }
  const auto at = [&](std::size_t i) { return i < numbers.size() ? numbers[i] : 0; };
  if (has_payload(write.command)) {
    const bool has_version = numbers.size() == 4;
    if (numbers.size() != 3 && !has_version) return std::nullopt;
    if (write.command == "cas" && !has_version) return std::nullopt;
    write.flags = static_cast<std::uint32_t>(at(0));
    write.expire_s = absolute(at(1));
    payload = static_cast<std::size_t>(at(2));
    write.version = static_cast<std::uint64_t>(at(3));
    return write;
  }
  if (write.command == "delete" && numbers.size() <= 2) {
    write.expire_s = absolute(at(0));
    write.version = static_cast<std::uint64_t>(at(1));
    return write;
  }
  if ((write.command == "incr" || write.command == "decr") && numbers.size() == 1) {
    write.delta = static_cast<std::uint64_t>(at(0));
    return write;
  }
  if (write.command == "touch" && numbers.size() == 1) {
    write.expire_s = absolute(at(0));
    return write;
  }
  return std::nullopt;
}

std::string OriginalFlared::write(OriginalWrite write) {
  std::unique_lock lock{mutex_};
  const int partitions = map_.active_partitions();
  if (partitions == 0) return "SERVER_ERROR no partition available\r\n";
  const int partition = original_partition(write.key, partitions);
  const auto* master = map_.master_of(partition);
  const int future = map_.has_preparing() ? original_partition(write.key, partitions + 1) : partition;
  const auto* next_master = future != partition ? map_.master_of(future, true) : nullptr;
  const auto* own = own_entry();
  const bool mine = own && master && master->key() == own->key();
  const bool mine_next = own && next_master && next_master->key() == own->key() && write.prefixed;
  const bool slave = own && own->role == OriginalNode::slave && write.prefixed &&
                     (own->partition == partition || own->partition == future);
  if (mine || mine_next || slave) {
    bool changed = false;
    const auto text = store_.execute(write, changed);
    if (changed && !slave) replicate(write);
    return text;
  }
  if (!master) return "SERVER_ERROR proxy failure\r\n";
  const auto to = address_of(*master);
  lock.unlock();
  return forward(write, to);
}

std::string OriginalFlared::forward(const OriginalWrite& write, const Address& to) {
  try {
    TextClient client{to};
    client.send(form_of(write, key()));
    if (write.noreply) return "";
    return client.read_line() + "\r\n";
  } catch (const std::runtime_error&) {
    return "SERVER_ERROR proxy error\r\n";
  }
}

// cluster.md 5.3; with the mutex held.
void OriginalFlared::replicate(const OriginalWrite& write) {
  auto form = write;
  if (form.command == "append" || form.command == "incr" || has_payload(form.command) || form.command == "prepend" ||
      form.command == "decr")
    form.command = "set";
  const auto request = form_of(form, key());
  const auto prefix = write.prefix.empty() ? key() : write.prefix + "," + key();
  const auto first = prefix.find(key());
  if (prefix.find(key(), first + 1) != std::string::npos) return;  // a loop
  const auto* own = own_entry();
  for (const auto& [name, node] : map_.nodes) {
    const bool own_slave = node.role == OriginalNode::slave && node.partition == own->partition;
    if (own_slave && node.state != OriginalNode::down) send_to(node, request);
  }
  const int partitions = map_.active_partitions();
  if (!map_.has_preparing() || own->state != OriginalNode::active) return;
  if (original_partition(write.key, partitions + 1) != partitions) return;
  if (const auto* next_master = map_.master_of(partitions, true)) send_to(*next_master, request);
}

void OriginalFlared::send_to(const OriginalNode& node, const std::string& request) {
  auto& queue = queues_[node.key()];
  if (!queue) {
    queue = std::make_unique<Queue>();
    queue->to = address_of(node);
    queue->thread = std::thread{[this, &made = *queue] { drain(made); }};
  }
  queue->requests.push_back(request);
  queue->more.notify_all();
}

void OriginalFlared::drain(Queue& queue) {
  std::unique_ptr<TextClient> client;
  for (;;) {
    std::string request;
    {
      std::unique_lock lock{mutex_};
      queue.sending = false;
      queue.more.wait(lock, [&] { return !running_ || !queue.requests.empty(); });
      if (!running_) return;
      request = std::move(queue.requests.front());
      queue.requests.pop_front();
      queue.sending = true;
    }
    for (int tries = 0; tries < 4; ++tries) {
      try {
        if (!client) client = std::make_unique<TextClient>(queue.to);
        client->send(request);
        if (request.substr(0, request.find("\r\n")).ends_with(" noreply")) break;
        const auto answer = client->read_line();
        if (answer != "STORED" && answer != "NOT_STORED" && answer != "DELETED" && answer != "NOT_FOUND" &&
            answer != "TOUCHED" && !answer.starts_with("SERVER_ERROR"))
          complain("replication to " + key_of(queue.to) + " was answered '" + answer + "'");
        break;
      } catch (const std::runtime_error&) {
        client.reset();
      }
    }
  }
}

std::string OriginalFlared::read(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::unique_lock lock{mutex_};
    const int partitions = map_.active_partitions();
    const int partition = partitions == 0 ? -1 : original_partition(words[i], partitions);
    const auto* own = own_entry();
    const bool here = own && own->partition == partition && partition >= 0 && own->state == OriginalNode::active &&
                      (own->role == OriginalNode::master || own->balance > 0);
    if (here) {
      if (const auto* record = store_.find(words[i])) {
        text += fmt::format("VALUE {} {} {}", words[i], record->flags, record->data.size());
        if (words[0] == "gets") text += " " + std::to_string(record->version);
        text += "\r\n" + record->data + "\r\n";
      }
      continue;
    }
    const auto readable = std::find_if(map_.nodes.begin(), map_.nodes.end(), [&](const auto& entry) {
      const auto& node = entry.second;
      return node.partition == partition && partition >= 0 && node.state == OriginalNode::active && node.balance > 0;
    });
    if (readable == map_.nodes.end()) continue;
    const auto to = address_of(readable->second);
    lock.unlock();
    try {
      TextClient client{to};
      client.send(words[0] + " " + words[i] + "\r\n");
      for (auto line = client.read_line(); line != "END"; line = client.read_line()) text += line + "\r\n";
    } catch (const std::runtime_error&) {
      continue;  // looks like a miss (cluster.md 5.1)
    }
  }
  return text + "END\r\n";
}

void OriginalFlared::dump(LineConnection& connection, const std::vector<std::string>& words) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 1; i < words.size(); ++i) numbers.push_back(number_of(words[i]).value_or(-1));
  const bool understood = (numbers.size() == 3 || numbers.size() == 4) && numbers[0] >= 0 && numbers[1] >= 0 &&
                          numbers[1] < numbers[2] && (numbers.size() == 3 || numbers[3] > 0);
  std::string request;
  for (const auto& word : words) request += (request.empty() ? "" : " ") + word;
  if (!understood) {
    complain("not understood: " + request);
    note(request, "ERROR");
    connection.send("ERROR\r\n");
    return;
  }
  std::unique_lock lock{mutex_};
  if (dumping_) {
    lock.unlock();
    note(request, "SERVER_ERROR database busy");
    connection.send("SERVER_ERROR database busy\r\n");
    return;
  }
  dumping_ = true;
  ++dumps_;
  const auto records = store_.records();
  std::string text;
  int entries = 0;
  bool broken = false;
  for (const auto& [key, record] : records) {
    if (original_partition(key, static_cast<int>(numbers[2])) != numbers[1]) continue;
    broken = break_after_ >= 0 && entries++ >= break_after_;
    if (broken) break;
    text += fmt::format("VALUE {} {} {} {} {}\r\n{}\r\n", key, record.flags, record.data.size(), record.version,
                        record.expire_s, record.data);
  }
  changed_.wait(lock, [this] { return !dumps_held_ || !running_; });
  dumping_ = false;
  lock.unlock();
  note(request, broken ? "broken off" : "END");
  connection.send(broken ? text : text + "END\r\n");
  if (broken) connection.shut();
}

}  // namespace flare::test
