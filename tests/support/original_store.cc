#include "support/original_store.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <tuple>

namespace flare::test {
namespace {

bool expired(const OriginalRecord& record) { return record.expire_s != 0 && record.expire_s <= std::time(nullptr); }

}  // namespace

const OriginalRecord* OriginalStore::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() || expired(found->second) ? nullptr : &found->second;
}

std::uint64_t OriginalStore::version_of(const std::string& key) const {
  if (const auto found = records_.find(key); found != records_.end()) return found->second.version;
  const auto remembered = deleted_.find(key);
  return remembered == deleted_.end() ? 0 : remembered->second;
}

void OriginalStore::clear() {
  records_.clear();
  deleted_.clear();
}

void OriginalStore::put_dumped(const std::string& key, const OriginalRecord& record) {
  if (record.version <= version_of(key)) return;
  deleted_.erase(key);
  records_[key] = record;
}

std::string OriginalStore::store(OriginalWrite& write, std::string value, bool& changed) {
  const auto before = version_of(write.key);
  if (write.version != 0 && find(write.key) && write.version <= before) return "NOT_STORED\r\n";
  if (write.version == 0) write.version = before + 1;
  deleted_.erase(write.key);
  write.data = value;
  records_[write.key] = {write.flags, write.expire_s, write.version, std::move(value)};
  changed = true;
  return "STORED\r\n";
}

std::string OriginalStore::remove(OriginalWrite& write, bool& changed) {
  const auto before = version_of(write.key);
  if (write.version != 0 && write.version < before) return "NOT_FOUND\r\n";
  const bool alive = find(write.key) != nullptr;
  if (write.version == 0) write.version = before;
  if (alive || records_.contains(write.key) || write.version != 0) deleted_[write.key] = write.version;
  records_.erase(write.key);
  changed = alive;
  return alive ? "DELETED\r\n" : "NOT_FOUND\r\n";
}

std::string OriginalStore::execute(OriginalWrite& write, bool& changed) {
  changed = false;
  const auto* present = find(write.key);
  const auto& command = write.command;
  if (command == "set") return store(write, write.data, changed);
  if (command == "add") return present ? "NOT_STORED\r\n" : store(write, write.data, changed);
  if (command == "delete") return remove(write, changed);
  if (command == "replace") return present ? store(write, write.data, changed) : "NOT_STORED\r\n";
  if (command == "append" || command == "prepend") {
    if (!present) return "NOT_STORED\r\n";
    write.flags = present->flags;
    write.expire_s = present->expire_s;
    return store(write, command == "append" ? present->data + write.data : write.data + present->data, changed);
  }
  if (!present) return "NOT_FOUND\r\n";
  if (command == "cas") {
    if (present->version != write.version) return "EXISTS\r\n";
    write.version = 0;
    return store(write, write.data, changed);
  }
  if (command == "touch") {
    records_[write.key].expire_s = write.expire_s;
    changed = true;
    return "TOUCHED\r\n";
  }
  const auto number = std::strtoull(present->data.c_str(), nullptr, 10);
  const auto after = command == "incr" ? number + write.delta : number - std::min<std::uint64_t>(number, write.delta);
  write.flags = present->flags;
  write.expire_s = present->expire_s;
  std::ignore = store(write, std::to_string(after), changed);
  return std::to_string(after) + "\r\n";
}

}  // namespace flare::test
