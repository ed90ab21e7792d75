#include "flared/item_marks.h"

#include <utility>

namespace flare {

void ItemMarks::mark_stale(std::string_view key, RecordVersion version) {
  const std::lock_guard lock{mutex_};
  put({.key = std::string{key}, .version = version, .stale = true});
}

void ItemMarks::mark_stored_stale(std::string_view key, RecordVersion version) {
  const std::lock_guard lock{mutex_};
  const auto before = find(key);
  const bool token_sent = before != rows_.end() && next(before->version) == version && before->token_sent;
  put({.key = std::string{key}, .version = version, .stale = true, .token_sent = token_sent});
}

Marks ItemMarks::look(std::string_view key, RecordVersion version, Chance chance) {
  if (chance == Chance::none && empty()) return {};
  const std::lock_guard lock{mutex_};
  auto row = find(key);
  // What was just created has no marks, even if the versions began anew after a flush and reached this one again.
  if (row != rows_.end() && (row->version != version || chance == Chance::created)) {
    drop(row);
    row = rows_.end();
  }
  if (row == rows_.end()) {
    if (chance == Chance::none) return {};
    put({.key = std::string{key}, .version = version, .token_sent = true});
    return {.won = true};
  }
  const bool won = !row->token_sent && (row->stale || chance == Chance::recache);
  const Marks marks{.stale = row->stale, .token_sent = row->token_sent, .won = won};
  row->token_sent = row->token_sent || won;
  return marks;
}

void ItemMarks::clear() {
  const std::lock_guard lock{mutex_};
  by_key_.clear();
  rows_.clear();
  key_bytes_ = 0;
  size_.store(0, std::memory_order_release);
}

std::size_t ItemMarks::key_bytes() const {
  const std::lock_guard lock{mutex_};
  return key_bytes_;
}

ItemMarks::Rows::iterator ItemMarks::find(std::string_view key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? rows_.end() : found->second;
}

void ItemMarks::drop(Rows::iterator row) {
  key_bytes_ -= row->key.size();
  by_key_.erase(row->key);
  rows_.erase(row);
  size_.store(rows_.size(), std::memory_order_release);
}

void ItemMarks::put(Row row) {
  if (const auto before = find(row.key); before != rows_.end()) drop(before);
  key_bytes_ += row.key.size();
  rows_.push_back(std::move(row));
  by_key_[rows_.back().key] = std::prev(rows_.end());
  size_.store(rows_.size(), std::memory_order_release);
  while (rows_.size() > limits_.entries_max || key_bytes_ > limits_.key_bytes_max) drop(rows_.begin());
}

}  // namespace flare
