#include "flared/storage/deletions.h"

namespace flare {

std::optional<Deletions::Deletion> Deletions::find(std::string_view key) const {
  if (size() == 0) return std::nullopt;
  const std::lock_guard lock{mutex_};
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second->second.deletion;
}

void Deletions::remember(std::string_view key, const Deletion& deletion) {
  if (keys_max_ == 0) return;
  if (deletion.version == RecordVersion{0} && deletion.hold_until_s == 0) return forget(key);  // dropped: operation.h
  const std::lock_guard lock{mutex_};
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  if (rows_.size() == keys_max_) drop(rows_.begin());
  const auto row = rows_.emplace_hint(rows_.end(), ++last_number_, Row{std::string{key}, deletion});
  by_key_.emplace(row->second.key, row);
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

void Deletions::replace_by(Deletions& other) {
  clear();
  other.visit(0, other.size(), [this](std::string_view key, const Deletion& deletion) { remember(key, deletion); });
}

std::optional<std::uint64_t> Deletions::visit(std::uint64_t after, std::size_t rows_max, const Visit& visit) const {
  std::optional<std::uint64_t> last;
  const std::lock_guard lock{mutex_};
  for (auto row = rows_.upper_bound(after); row != rows_.end() && rows_max > 0; ++row, --rows_max) {
    visit(row->second.key, row->second.deletion);
    last = row->first;
  }
  return last;
}

std::uint64_t Deletions::last_number() const {
  const std::lock_guard lock{mutex_};
  return last_number_;
}

void Deletions::drop(Rows::iterator row) {
  by_key_.erase(row->second.key);
  rows_.erase(row);
  size_ = rows_.size();
}

}  // namespace flare
