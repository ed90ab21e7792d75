#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>

#include "flared/storage/file_tools.h"
#include "flared/storage/storage_options.h"

namespace flare {

/// Blocks ahead of what a file may grow to, so that no store into a mapped page and no undo entry ever finds the disk
/// full (docs/design.md 3.8). Who may let the file grow claims the most that can come of it first, and settles the
/// claim when it is done; what was claimed and not needed comes back with the next look at the file's size.
class SpaceAhead {
 public:
  using Size = std::function<std::uint64_t()>;  // of the file now: with all claims that were settled before

  /// `step_bytes`: taken at once, where there is so much.
  SpaceAhead(std::uint64_t step_bytes, Size size) : step_bytes_(step_bytes), size_(std::move(size)) {}

  /// Safe from any thread. An errno value: then nothing was claimed.
  int claim(int descriptor, std::uint64_t bytes, const ReserveSpace& reserve);
  void settle(std::uint64_t bytes) { settled_.fetch_add(bytes); }
  /// Blocks are only known up to here. Nobody has a claim.
  void restart(std::uint64_t reserved_to);

 private:
  struct Look {
    std::uint64_t end_at_most = 0;  // of the file, if all that is claimed comes
  };
  Look look_again();
  void set_limit(std::uint64_t settled, std::uint64_t size);

  const std::uint64_t step_bytes_;
  const Size size_;
  std::mutex mutex_;  // of reserved_to_, and of changes of limit_
  std::uint64_t reserved_to_ = 0;
  std::atomic<std::uint64_t> claimed_{0};  // in sum, for ever
  std::atomic<std::uint64_t> settled_{0};
  std::atomic<std::uint64_t> limit_{0};  // of claimed_
};

/// The room of one store: its file, and the undo file beside it while a transaction is open. Has the one descriptor on
/// the store that is not the library's: opened before it and closed after it, since the library's lock goes with any.
class StoreSpace {
 public:
  using Size = SpaceAhead::Size;

  StoreSpace(std::filesystem::path path, Size store_bytes);

  /// Makes or opens the file and takes blocks for its first `head_bytes`, where the library writes while it opens.
  int open(bool empty, std::uint64_t head_bytes);
  /// Blocks for all of the file, which may have come with holes. Before it is written to.
  int cover(std::uint64_t alignment_bytes, bool compressed);
  /// It has them.
  void covered(std::uint64_t alignment_bytes, bool compressed);
  void close();

  /// The undo file is there, or was begun anew.
  int transaction_begun();
  /// Blocks at the file's end may be gone.
  void truncated();

  /// For a write of a record of so many bytes (0: a removal). Safe from any thread.
  int claim(std::uint64_t record_bytes, const ReserveSpace& reserve);
  void settle(std::uint64_t record_bytes);

 private:
  std::uint64_t growth_of(std::uint64_t record_bytes) const;
  std::uint64_t undo_bytes() const;

  const std::filesystem::path path_;
  const Size store_bytes_;
  FileDescriptor file_;
  FileDescriptor undo_;
  std::uint64_t alignment_bytes_ = 0;
  bool compressed_ = false;
  SpaceAhead ahead_;
  SpaceAhead undo_ahead_;
};

/// A claim for one write, until its end.
class SpaceClaim {
 public:
  SpaceClaim(StoreSpace& space, const ReserveSpace& reserve) : space_(space), reserve_(reserve) {}
  ~SpaceClaim() { settle(); }
  SpaceClaim(const SpaceClaim&) = delete;
  SpaceClaim& operator=(const SpaceClaim&) = delete;
  /// Before the visit, since a look at the file's size takes the library's lock; again if that was too little.
  int take(std::uint64_t record_bytes) {
    settle();
    error_ = space_.claim(record_bytes, reserve_);
    claimed_ = error_ == 0;
    record_bytes_ = record_bytes;
    return error_;
  }
  int error() const { return error_; }
  /// Before anything is numbered or changed.
  bool covers(std::uint64_t record_bytes) const { return claimed_ && record_bytes <= record_bytes_; }

 private:
  void settle() {
    if (claimed_) space_.settle(record_bytes_);
    claimed_ = false;
  }

  StoreSpace& space_;
  const ReserveSpace& reserve_;
  std::uint64_t record_bytes_ = 0;
  int error_ = 0;
  bool claimed_ = false;
};

/// Blocks for the range, unless the disk would be left with less than `times` `free_bytes_min` (0: a share of the
/// disk).
ReserveSpace reserve_above(std::uint64_t free_bytes_min, std::uint64_t times = 1);

}  // namespace flare
