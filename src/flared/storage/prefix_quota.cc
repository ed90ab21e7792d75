#include "flared/storage/prefix_quota.h"

#include <algorithm>

namespace flare {
namespace {

using quota_number::as_signed;
using quota_number::grow;
using quota_number::relaxed;

std::string answer(const std::string& owner, std::string_view option) {
  return "SERVER_ERROR quota exceeded (" + owner + "." + std::string{option} + ")\r\n";
}

}  // namespace

PrefixQuotas::Share::Share(const PrefixLimit& limit)
    : prefix_(limit.prefix),
      too_many_items_(answer(limit.owner, "max-items")),
      too_many_bytes_(answer(limit.owner, "max-bytes")) {}

StoreLimits PrefixQuotas::Share::limits() const {
  return {quota_number::as_count(items_max_), quota_number::as_count(bytes_max_)};
}

bool PrefixQuotas::set(const std::vector<PrefixLimit>& limits) {
  if (shares_.empty()) {
    for (const auto& limit : limits) shares_.push_back(std::make_unique<Share>(limit));
    std::sort(shares_.begin(), shares_.end(),
              [](const auto& one, const auto& other) { return one->prefix() < other->prefix(); });
  }
  bool limited = false;
  for (const auto& limit : limits) {
    auto* const share = of(limit.prefix);
    if (share == nullptr) continue;  // of a door that waits for a restart
    share->items_max_.store(as_signed(limit.limits.items), relaxed);
    share->bytes_max_.store(as_signed(limit.limits.bytes), relaxed);
    limited |= limit.limits != StoreLimits{};
  }
  const bool begins = limited && !counts();
  counts_.store(limited, relaxed);
  return begins;
}

void PrefixQuotas::begin_count() {
  for (const auto& share : shares_) {
    share->items_.store(0, relaxed);
    share->bytes_.store(0, relaxed);
  }
}

// No prefix begins another one, so only the last that is not behind the key can be its begin.
PrefixQuotas::Share* PrefixQuotas::of(std::string_view key) const {
  const auto after = std::upper_bound(shares_.begin(), shares_.end(), key,
                                      [](std::string_view one, const auto& share) { return one < share->prefix(); });
  if (after == shares_.begin()) return nullptr;
  auto* const share = std::prev(after)->get();
  return key.starts_with(share->prefix()) ? share : nullptr;
}

const PrefixQuotas::Share* PrefixQuotas::of_prefix(std::string_view prefix) const {
  return counts() ? of(prefix) : nullptr;
}

std::optional<PrefixQuotas::Refusal> PrefixQuotas::reserve(std::string_view key, std::int64_t items,
                                                           std::int64_t bytes) {
  if (!counts()) return std::nullopt;
  auto* const share = of(key);
  if (share == nullptr) return std::nullopt;
  if (!grow(share->items_, items, share->items_max_)) return Refusal::items;
  if (grow(share->bytes_, bytes, share->bytes_max_)) return std::nullopt;
  share->items_.fetch_sub(items, relaxed);
  return Refusal::bytes;
}

void PrefixQuotas::add(std::string_view key, std::int64_t items, std::int64_t bytes) {
  if (!counts()) return;
  auto* const share = of(key);
  if (share == nullptr) return;
  if (items != 0) share->items_.fetch_add(items, relaxed);
  if (bytes != 0) share->bytes_.fetch_add(bytes, relaxed);
}

std::string_view PrefixQuotas::refuse(std::string_view key, Refusal refusal) {
  auto* const share = of(key);
  if (share == nullptr) return "SERVER_ERROR quota exceeded\r\n";  // not reached: of this share was the refusal
  (refusal == Refusal::items ? share->refused_items_ : share->refused_bytes_).fetch_add(1, relaxed);
  return refusal == Refusal::items ? share->too_many_items_ : share->too_many_bytes_;
}

}  // namespace flare
