#include "flared/storage/deletions.h"

namespace flare {

std::optional<Deletions::Deletion> Deletions::find(std::string_view key) const {
  if (size() == 0) return std::nullopt;
  const std::lock_guard lock{mutex_};
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second->deletion;
}

void Deletions::remember(std::string_view key, const Deletion& deletion) {
  if (keys_max_ == 0) return;
  const std::lock_guard lock{mutex_};
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  if (rows_.size() == keys_max_) drop(rows_.begin());
  rows_.push_back({std::string{key}, deletion});
  by_key_.emplace(rows_.back().key, std::prev(rows_.end()));
  size_ = rows_.size();
}

void Deletions::forget(std::string_view key) {
  if (size() == 0) return;
  const std::lock_guard lock{mutex_};
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
}

void Deletions::clear() {
  const std::lock_guard lock{mutex_};
  by_key_.clear();
  rows_.clear();
  size_ = 0;
}

void Deletions::drop(std::list<Row>::iterator row) {
  by_key_.erase(row->key);
  rows_.erase(row);
  size_ = rows_.size();
}

}  // namespace flare
