#include "flared/storage/hash_store.h"

#include <fmt/format.h>

#include <limits>

#include "flared/storage/bytes.h"

namespace flare {

using kyotocabinet::HashDB;

Result<std::shared_ptr<HashStore>, std::string> HashStore::open(const std::filesystem::path& path,
                                                                const StorageOptions& options, Mode mode) {
  auto store = std::make_shared<HashStore>();
  auto& db = store->db_;
  db.tune_alignment(static_cast<int8_t>(options.alignment));
  db.tune_options(HashDB::TLINEAR);  // never TSMALL: it ends at 2^32 << alignment
  db.tune_buckets(options.buckets);
  db.tune_map(options.map_bytes);
  auto flags = HashDB::OWRITER | HashDB::OCREATE | HashDB::OTRYLOCK;
  flags |= mode == Mode::serve ? HashDB::OAUTOTRAN : HashDB::OTRUNCATE;
  if (!db.open(path.string(), flags)) {
    return fmt::format("{}: cannot be opened as a hash store ({}); it may be in use, of another kind or damaged",
                       path.string(), db.error().message());
  }
  if (db.opts() & HashDB::TSMALL) store->bytes_max_ = (std::int64_t{1} << 32) << db.apow();
  return store;
}

HashStore::Place HashStore::place() {
  const char* opaque = db_.opaque();
  return {.log_id = LogId{get_number<std::uint64_t>(opaque)},
          .sequence = Sequence{get_number<std::uint64_t>(opaque + 8)}};
}

bool HashStore::set_place(const Place& place) {
  char* opaque = db_.opaque();
  put_number(opaque, raw(place.log_id));
  put_number(opaque + 8, raw(place.sequence));
  return db_.synchronize_opaque();
}

bool HashStore::begin() { return db_.begin_transaction(false); }

// design.md 3: the opaque bytes are rolled back together with the data, if they are set inside the transaction.
bool HashStore::commit(const Place& place) { return set_place(place) && db_.end_transaction(true); }

bool HashStore::roll_back() { return db_.end_transaction(false); }

bool HashStore::close() { return db_.close(); }

bool HashStore::has_room(std::size_t record_bytes) {
  constexpr std::int64_t slack = 1 << 20;
  return bytes_max_ == 0 || db_.size() + static_cast<std::int64_t>(record_bytes) + slack < bytes_max_;
}

}  // namespace flare
