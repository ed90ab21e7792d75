#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "flared/storage/storage_options.h"
#include "flared/storage/store_space.h"
#include "flared/storage/undo_hash_db.h"

namespace flare {

/// A `flare.kch`: the library's HashDB with our settings (docs/design.md 3), and the position in its 16 opaque bytes.
/// Only this opens the file: closing any other descriptor of it would drop the library's lock. Whoever writes claims
/// the space first (store_space.h), since the library would die of a full disk. begin, commit and roll_back take the
/// library's lock as writer: inside the exclusive gate only (design.md 2).
class HashStore {
 public:
  enum class Mode {
    serve,   // OAUTOTRAN, so that a kill is rolled back in place of a rebuild of the file
    build,   // a new file, not in use before it is closed
    resume,  // goes on with such a file
    adopt,   // serves such a file: it has all its blocks
  };
  /// `no_room` is told whether it failed because the disk is full.
  static Result<std::shared_ptr<HashStore>, std::string> open(const std::filesystem::path& path,
                                                              const StorageOptions& options, Mode mode,
                                                              bool* no_room = nullptr);
  explicit HashStore(const std::filesystem::path& path);

  /// Shows what the library keeps for its own subclasses.
  class Library : public kyotocabinet::UndoHashDB {
   public:
    using UndoHashDB::apow;
    using UndoHashDB::bnum;
    using UndoHashDB::opts;
    using UndoHashDB::reorganized;
  };
  kyotocabinet::UndoHashDB& db() { return db_; }
  std::string error() { return db_.error().message(); }
  /// The library had to rebuild the file: the position is lost and some records may be.
  bool rebuilt() { return db_.reorganized(); }

  /// Where in a log this store stands as of its last commit; log-id 0: nowhere.
  struct Place {
    LogId log_id{0};
    Sequence sequence{0};
  };
  Place place();

  /// False without room for the undo file, too (out_of_space): then there is no transaction, and it can be tried again.
  bool begin();
  bool commit(const Place& place);
  bool roll_back();
  /// Of a file that is built, without a transaction: nobody has used it.
  bool close_at(const Place& place) { return set_place(place) && close(); }
  bool close();
  bool in_transaction() const { return in_transaction_; }
  bool out_of_space() const { return out_of_space_; }  // what `begin` failed for
  StoreSpace& space() { return space_; }
  /// Of the file, behind its head and buckets.
  std::uint64_t used_bytes();
  std::uint64_t buckets() { return static_cast<std::uint64_t>(std::max<std::int64_t>(1, db_.bnum())); }
  std::uint64_t alignment_bytes() { return std::uint64_t{1} << db_.apow(); }
  /// Below 2^32 << alignment for an original's file with small offsets: the library corrupts silently there
  /// (design.md 3.10).
  bool has_room(std::size_t record_bytes);

 private:
  bool set_place(const Place& place);
  StoreSpace space_;                                         // its descriptor is closed after the library's
  kyotocabinet::LZOCompressor<kyotocabinet::LZO::RAW> lzo_;  // of an original with storage-compress; no new file has it
  Library db_;
  std::int64_t bytes_max_ = 0;  // 0: none
  bool in_transaction_ = false;
  bool out_of_space_ = false;
};

}  // namespace flare
