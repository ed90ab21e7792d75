// Writes: executed here, forwarded or replicated (docs/spec/cluster.md 5).
#include <fmt/format.h>

#include <ctime>
#include <stdexcept>
#include <utility>

#include "support/original_flared.h"
#include "support/original_flared_parts.h"

namespace flare::test {
namespace {

constexpr std::int64_t relative_max_s = 60 * 60 * 24 * 30;

std::int64_t absolute(std::int64_t expire) {
  return expire > 0 && expire <= relative_max_s ? std::time(nullptr) + expire : expire;
}

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

}  // namespace flare::test
