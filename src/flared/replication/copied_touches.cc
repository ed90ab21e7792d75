#include "flared/replication/copied_touches.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

namespace flare {
namespace {

std::uint64_t slot_of(std::string_view key, std::int64_t expire_s) {
  return XXH3_64bits_withSeed(key.data(), key.size(), static_cast<std::uint64_t>(expire_s));
}

}  // namespace

void CopiedTouches::listen(bool wanted) {
  wanted_.store(wanted, std::memory_order_relaxed);
  if (!wanted) clear();
}

void CopiedTouches::clear() {
  const std::lock_guard lock{mutex_};
  sources_.clear();
  order_.clear();
}

void CopiedTouches::note(std::string_view key, std::int64_t expire_s, std::string_view source) {
  if (!wanted_.load(std::memory_order_relaxed)) return;
  const auto slot = slot_of(key, expire_s);
  const std::lock_guard lock{mutex_};
  if (order_.size() == kept_max) {
    const auto oldest = sources_.find(order_.front());
    if (oldest != sources_.end()) sources_.erase(oldest);
    order_.pop_front();
  }
  sources_.emplace(slot, source);
  order_.push_back(slot);
}

std::optional<std::string> CopiedTouches::take(std::string_view key, std::int64_t expire_s) {
  const auto slot = slot_of(key, expire_s);
  const std::lock_guard lock{mutex_};
  const auto found = sources_.find(slot);
  if (found == sources_.end()) return std::nullopt;
  auto source = std::move(found->second);
  sources_.erase(found);
  return source;
}

}  // namespace flare
