// Reads, and dumps of its entries (docs/spec/cluster.md 5.1, 6.1).
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "support/original_flared.h"
#include "support/original_flared_parts.h"

namespace flare::test {

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
