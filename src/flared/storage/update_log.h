#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "flared/storage/log_segment.h"
#include "flared/storage/spinning_mutex.h"
#include "flared/storage/storage.h"
#include "flared/storage/storage_options.h"

namespace flare {

/// The update log (docs/design.md 3.1): redo log, replication queue and means of catch-up in one. Owns the segments in
/// a folder. Safe from any thread. Entries are numbered and copied into a buffer under one mutex, so buffer order =
/// number order; `write` hands the kernel all of it in one call, so the kernel always has a prefix. Room on the disk is
/// reserved before an entry gets its number.
class UpdateLog {
 public:
  struct Options {
    std::filesystem::path folder;
    std::uint64_t bytes_max = 0;  // old segments go above this
    ReserveSpace reserve = {};
    SyncFile sync = {};
    bool keep_all = false;              // until keep_after says what the next start can do without
    bool drop_when_told = false;        // old segments stay until drop_surplus
    SegmentEnd end = SegmentEnd::torn;  // of the newest
  };

  /// Makes the folder with one empty segment. An errno value on failure.
  static int create(const std::filesystem::path& folder, const SegmentHeader& header);
  /// Opens, checks all entries and shows them to `visit`. The error is a sentence that names the file.
  static Result<std::unique_ptr<UpdateLog>, std::string> open(Options options, const VisitEntry& visit);
  ~UpdateLog();

  /// Gives the entry the next number and the present epoch. out_of_space: nothing has changed.
  Result<Sequence, StorageError> append(LogEntry entry);
  /// Takes a master's entry under its number: the next one, in this epoch or a higher. Else sequence_gap.
  Result<void, StorageError> append_numbered(const LogEntry& entry);

  /// Writes all that is buffered in one call; true if there was something. After a failure the same bytes are tried
  /// again.
  Result<bool, StorageError> write();
  /// Brings all that is written to the disk, in the order of the segments. May take long: for a thread of its own.
  Result<void, StorageError> sync();
  /// Written, and a new segment begun: what is before it does not change any more.
  Result<void, StorageError> roll();
  /// The epoch of entries from now on; in a segment header before the next entry. Never lowered.
  Result<void, StorageError> set_epoch(Epoch epoch);

  LogId log_id() const { return log_id_; }
  Position position() const;
  Sequence last() const { return Sequence{last_.load(std::memory_order_acquire)}; }
  Sequence written() const { return Sequence{written_.load(std::memory_order_acquire)}; }
  Sequence synced() const { return Sequence{synced_.load(std::memory_order_acquire)}; }
  Epoch epoch() const;
  EpochTable epochs() const;
  Sequence first() const;  // the oldest entry kept is this one
  std::uint64_t bytes() const;
  std::uint64_t write_calls() const { return write_calls_; }
  std::uint64_t appended_bytes() const { return appended_; }  // since it was opened
  std::uint64_t buffered_bytes() const { return buffered_.load(std::memory_order_relaxed); }
  std::uint64_t torn_bytes() const { return torn_bytes_; }

  /// Written entries after `after`, in the log's encoding, about `bytes_max` of them but at least one.
  Result<Sequence, StorageError> read(Sequence after, std::size_t bytes_max, std::string& out) const;
  /// Shows the written entries after `after`. For the start and the repair.
  Result<void, StorageError> visit(Sequence after, const VisitEntry& visit) const;

  /// Keeps the entries after `after` while it lives, up to four times bytes_max.
  std::shared_ptr<void> pin(Sequence after);
  /// The store has everything up to here; older segments may go.
  void checkpointed(Sequence sequence);
  /// The latest local snapshot has everything up to here (design.md 3.6).
  void keep_after(Sequence sequence);
  /// Up to here are the segments above bytes_max that nobody needs; 0: there are none.
  Sequence surplus() const;
  /// Drops those of them that end there or before.
  void drop_surplus(Sequence up_to);
  /// Links all segments into a new folder, beside the log. An errno value.
  int link_into(const std::filesystem::path& folder) const;

 private:
  explicit UpdateLog(Options options);
  std::string open_all(const VisitEntry& visit);
  std::string adopt(SegmentScan scan);
  Result<void, StorageError> make_room(std::uint64_t bytes);
  void put(const LogEntry& entry);
  int write_pending();
  int write_buffered();
  int begin_segment();
  int roll_written();
  void drop_old_segments();
  std::size_t surplus_segments() const;
  // A segment is left at twice its size at the latest: an append finds room in its index.
  std::size_t index_points_max() const { return 2 * segment_bytes_ / index_step_bytes + 2; }
  std::shared_ptr<LogSegment> segment_of(Sequence sequence) const;
  std::uint64_t index_offset(const LogSegment& segment, Sequence sequence) const;

  const Options options_;
  const std::uint64_t segment_bytes_;
  LogId log_id_{0};
  std::uint64_t torn_bytes_ = 0;

  mutable std::mutex append_mutex_;  // numbers, buffer_, epochs_, segment ends, indexes
  std::string buffer_;
  std::uint64_t buffer_at_ = 0;  // offset in the current segment where buffer_ will lie
  std::uint64_t reserved_to_ = 0;
  Epoch epoch_{0};       // of the next entry
  Epoch last_epoch_{0};  // of the last entry
  EpochTable epochs_;
  std::atomic<std::uint64_t> last_{0};
  std::atomic<std::uint64_t> buffered_{0};

  SpinningMutex write_mutex_;  // taken before append_mutex_
  std::string writing_;        // not empty after a failed write
  std::uint64_t writing_at_ = 0;
  Sequence writing_last_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> write_calls_{0};

  std::mutex sync_mutex_;  // taken before segments_mutex_
  std::atomic<std::uint64_t> synced_{0};
  std::atomic<std::uint64_t> appended_{0};

  mutable std::mutex segments_mutex_;  // taken after the others
  std::deque<std::shared_ptr<LogSegment>> segments_;
  std::shared_ptr<std::multiset<Sequence>> pins_ = std::make_shared<std::multiset<Sequence>>();
  std::shared_ptr<std::mutex> pins_mutex_ = std::make_shared<std::mutex>();
  Sequence checkpointed_{0};
  Sequence keep_after_{0};
  std::shared_ptr<LogSegment> current_;  // changed under write_mutex_ and append_mutex_
};

}  // namespace flare
