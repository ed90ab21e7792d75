#include "flared/storage/hash_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "flared/storage/bytes.h"
#include "flared/storage/file_tools.h"

namespace flare {

using HashDB = kyotocabinet::UndoHashDB;

namespace {

constexpr std::uint64_t bucket_bytes = 6;
constexpr std::uint64_t header_bytes = 64 * 1024;     // with the table of free blocks
constexpr std::uint64_t header_bytes_min = 6 * 1024;  // the same, as it is in general
constexpr std::size_t flags_at = 24;                  // in the library's header
constexpr char open_flag = 1;
constexpr std::size_t alignment_at = 9;  // as a power of two; behind it that of the free block pool
constexpr std::size_t options_at = 11;
constexpr int alignment_max = 15;
constexpr int free_pool_max = 20;

// The library writes there before it tells the size; it takes a few buckets more than it is told.
std::uint64_t head_bytes(const std::filesystem::path& path, const StorageOptions& options, bool empty) {
  std::error_code error;
  const auto size = empty ? 0 : std::filesystem::file_size(path, error);
  const auto buckets = static_cast<std::uint64_t>(std::max<std::int64_t>(0, options.buckets));
  const auto head = header_bytes + bucket_bytes * (buckets + buckets / 64);
  return error || size == 0 ? head : std::min(head, size);
}

// An original was killed on this file: the library writes it anew, as large as it is, and would die of a full disk.
std::string refuse_rebuild_without_room(const std::filesystem::path& path) {
  std::error_code error;
  char flags = 0;
  std::ifstream file{path, std::ios::binary};  // nobody has a lock on it yet
  if (!file.seekg(flags_at).get(flags) || (flags & open_flag) == 0) return {};
  const auto size = std::filesystem::file_size(path, error);
  const auto disk = std::filesystem::space(path, error);
  if (error || disk.available > size) return {};
  return fmt::format(
      "{}: was not closed and has to be rebuilt, for which its disk needs {} bytes more; make room and start again",
      path.string(), size - disk.available);
}

std::string refuse_to_open(const std::filesystem::path& path, const std::string& error) {
  std::ifstream file{path, std::ios::binary};
  char options = 0;
  const bool compressed = file.seekg(options_at).get(options) && (options & HashDB::TCOMPRESS) != 0;
  return fmt::format(
      "{}: cannot be opened as a hash store ({}); it may be in use, of another kind or damaged{}", path.string(), error,
      compressed ? ". It is compressed, and only the original's way of that is known (LZO without a checksum)" : "");
}

// The library calculates with both powers before it looks at them.
std::string refuse_impossible_head(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  char alignment = 0;
  char free_pool = 0;
  if (!file.seekg(alignment_at).get(alignment).get(free_pool)) return {};  // empty or short: the library's matter
  const auto power = [](char byte) { return static_cast<int>(static_cast<unsigned char>(byte)); };
  if (power(alignment) <= alignment_max && power(free_pool) <= free_pool_max) return {};
  return refuse_to_open(path, "its head cannot be right");
}

}  // namespace

HashStore::HashStore(const std::filesystem::path& path)
    : space_(path, [this] { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, db_.size())); }) {}

Result<std::shared_ptr<HashStore>, std::string> HashStore::open(const std::filesystem::path& path,
                                                                const StorageOptions& options, Mode mode,
                                                                bool* no_room) {
  const auto tell_room = [no_room](int error) {
    if (no_room != nullptr) *no_room = means_out_of_space(error);
  };
  if (auto refused = refuse_rebuild_without_room(path); mode == Mode::serve && !refused.empty()) return refused;
  if (auto refused = refuse_impossible_head(path); !refused.empty()) return refused;
  auto store = std::make_shared<HashStore>(path);
  const bool empty = mode == Mode::build;
  const bool built = mode == Mode::resume || mode == Mode::adopt;
  if (const int error = store->space_.open(empty, built ? 0 : head_bytes(path, options, empty))) {
    tell_room(error);
    return fmt::format("{}: cannot be opened with room for its buckets: {}", path.string(), error_text(error));
  }
  auto& db = store->db_;
  db.tune_alignment(static_cast<int8_t>(options.alignment));
  db.tune_options(HashDB::TLINEAR);  // never TSMALL: it ends at 2^32 << alignment
  db.tune_buckets(options.buckets);
  db.tune_map(options.map_bytes);
  db.tune_compressor(&store->lzo_);
  auto flags = HashDB::OWRITER | HashDB::OCREATE | HashDB::OTRYLOCK;
  if (mode == Mode::serve || mode == Mode::adopt) flags |= HashDB::OAUTOTRAN;
  if (!db.open(path.string(), flags)) {
    return refuse_to_open(path, db.error().message());
  }
  const bool compressed = (db.opts() & HashDB::TCOMPRESS) != 0;
  const auto alignment_bytes = std::uint64_t{1} << db.apow();
  if (built) {
    store->space_.covered(alignment_bytes, compressed);
  } else if (const int error = store->space_.cover(alignment_bytes, compressed)) {
    tell_room(error);
    return fmt::format("{}: its disk has no room for the file's holes: {}", path.string(), error_text(error));
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

bool HashStore::begin() {
  out_of_space_ = false;
  in_transaction_ = db_.begin_transaction(false);
  if (in_transaction_ && space_.transaction_begun() == 0) return true;
  if (in_transaction_ && !roll_back()) return false;
  out_of_space_ = true;
  return false;
}

// design.md 3: the opaque bytes are rolled back together with the data, if they are set inside the transaction.
bool HashStore::commit(const Place& place) {
  if (!set_place(place) || !db_.end_transaction(true)) return false;
  in_transaction_ = false;
  return true;
}

bool HashStore::roll_back() {
  if (!db_.end_transaction(false)) return false;
  in_transaction_ = false;
  space_.truncated();
  return true;
}

// The extra descriptor goes last: a later one of the same file must not lose its lock by it.
bool HashStore::close() {
  const bool closed = db_.close();
  space_.close();
  return closed;
}

std::uint64_t HashStore::used_bytes() {
  const auto head = header_bytes_min + bucket_bytes * db_.bnum();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, db_.size() - static_cast<std::int64_t>(head)));
}

bool HashStore::has_room(std::size_t record_bytes) {
  constexpr std::int64_t slack = 1 << 20;
  return bytes_max_ == 0 || db_.size() + static_cast<std::int64_t>(record_bytes) + slack < bytes_max_;
}

}  // namespace flare
