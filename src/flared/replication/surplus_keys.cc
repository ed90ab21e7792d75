#include "flared/replication/surplus_keys.h"

#include "common/base/limits.h"
#include "flared/storage/log_codec.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes_max = 256 * 1024;

bool add_all(SurplusKeys& keys, std::string_view chunk) {
  while (!chunk.empty()) {
    const auto decoded = decode_entry(chunk);
    if (!decoded || !keys.add(decoded->entry)) return false;
    chunk.remove_prefix(decoded->bytes);
  }
  return true;
}

}  // namespace

bool SurplusKeys::add(std::string_view key) {
  if (!good_ || !keys_.emplace(key).second) return good_;
  bytes_ += key.size();
  good_ = keys_.size() <= limits::correction_keys_max && bytes_ <= limits::correction_key_bytes_max &&
          key.size() <= limits::key_bytes_max && !key.empty();
  return good_;
}

bool SurplusKeys::add(const LogEntry& entry) {
  if (entry.kind == EntryKind::flush) good_ = false;
  return good_ && add(entry.key);
}

std::vector<std::string> SurplusKeys::take() {
  std::vector<std::string> keys;
  keys.reserve(keys_.size());
  while (!keys_.empty()) keys.push_back(std::move(keys_.extract(keys_.begin()).value()));
  return keys;
}

std::optional<std::vector<std::string>> gather_surplus_keys(const Storage& storage, Sequence after) {
  if (!storage.can_be_corrected()) return std::nullopt;
  SurplusKeys keys;
  for (const auto& key : storage.inexact_keys()) {
    if (!keys.add(key)) return std::nullopt;
  }
  std::string chunk;
  for (;;) {
    chunk.clear();
    const auto last = storage.read_log(after, chunk_bytes_max, chunk);
    if (!last || !add_all(keys, chunk)) return std::nullopt;
    if (*last == after) return keys.take();
    after = *last;
  }
}

}  // namespace flare
