#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "flared/storage/update_log.h"

/// The reading half of the update log: the start, and entries by sequence.
namespace flare {

int UpdateLog::create(const std::filesystem::path& folder, const SegmentHeader& header) {
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno;
  const auto created = LogSegment::create(folder, header);
  return created ? sync_folder(folder) : created.error();
}

Result<std::unique_ptr<UpdateLog>, std::string> UpdateLog::open(Options options, const VisitEntry& visit) {
  if (!options.reserve) options.reserve = reserve_space;
  if (!options.sync) options.sync = sync_file;
  std::unique_ptr<UpdateLog> log{new UpdateLog{std::move(options)}};
  if (auto failure = log->open_all(visit); !failure.empty()) return failure;
  return log;
}

std::string UpdateLog::open_all(const VisitEntry& visit) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry{options_.folder, error}, end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".log") paths.push_back(entry->path());
    if (entry->path().extension() == ".tmp") ::unlink(entry->path().c_str());
  }
  if (error) return fmt::format("{}: cannot be read: {}", options_.folder.string(), error.message());
  if (paths.empty()) return fmt::format("{}: holds no segment of an update log", options_.folder.string());

  std::sort(paths.begin(), paths.end());  // names are first sequences of equal width
  for (const auto& path : paths) {
    auto scan = open_segment(path, path == paths.back() ? options_.end : SegmentEnd::whole, visit);
    if (!scan) return scan.error();
    if (auto failure = adopt(std::move(*scan)); !failure.empty()) return failure;
  }
  current_ = segments_.back();
  current_->index.reserve(index_points_max());
  buffer_at_ = reserved_to_ = current_->written_bytes;
  written_ = last_.load();
  return {};
}

// The next segment must go on where the one before ended.
std::string UpdateLog::adopt(SegmentScan scan) {
  const auto& header = scan.segment->header;
  if (!segments_.empty() && (header.log_id != log_id_ || header.first != next(last()) || header.epoch < epoch_)) {
    return fmt::format("{}: does not follow the segment before it", scan.segment->path.string());
  }
  log_id_ = header.log_id;
  epochs_ = header.epochs;
  for (const auto& row : scan.epochs) note_epoch(epochs_, row.epoch, row.last);
  if (!epochs_.empty()) last_epoch_ = epochs_.back().epoch;
  epoch_ = std::max({header.epoch, last_epoch_, epoch_});
  last_ = raw(scan.last);
  torn_bytes_ += scan.torn_bytes;
  segments_.push_back(std::move(scan.segment));
  return {};
}

std::shared_ptr<LogSegment> UpdateLog::segment_of(Sequence sequence) const {
  const std::lock_guard lock{segments_mutex_};
  if (sequence < segments_.front()->header.first) return nullptr;
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), sequence,
                       [](Sequence wanted, const auto& segment) { return wanted < segment->header.first; });
  return *std::prev(after);
}

std::uint64_t UpdateLog::index_offset(const LogSegment& segment, Sequence sequence) const {
  const std::lock_guard lock{append_mutex_};
  const auto after = std::upper_bound(segment.index.begin(), segment.index.end(), sequence,
                                      [](Sequence wanted, const auto& point) { return wanted < point.sequence; });
  return after == segment.index.begin() ? segment.entries_at : std::prev(after)->offset;
}

namespace {

// Offset of the entry `wanted`, stepping from `offset`; a window of the index's step at a time.
Result<std::uint64_t, StorageError> find_entry(const LogSegment& segment, std::uint64_t offset, std::uint64_t end,
                                               Sequence wanted) {
  std::string window;
  while (offset < end) {
    window.resize(std::min<std::uint64_t>(index_step_bytes, end - offset));
    if (read_at(segment.file.get(), window.data(), window.size(), offset) != 0) return StorageError::io;
    for (std::size_t at = 0; at < window.size();) {
      const auto head = decode_entry_head(std::string_view{window}.substr(at));
      if (!head && head.error() == DecodeError::damaged) return StorageError::damaged;
      if (!head) break;  // the next window begins with it
      if (head->sequence >= wanted) return offset;
      at += head->bytes;
      offset += head->bytes;
    }
    if (window.size() < log_entry_header_bytes) return StorageError::damaged;
  }
  return offset;
}

// Whole entries only: cuts what the last read has of the next one.
Result<Sequence, StorageError> keep_whole(std::string& out, std::size_t from, Sequence after) {
  std::size_t at = from;
  while (at < out.size()) {
    const auto head = decode_entry_head(std::string_view{out}.substr(at));
    if (!head && head.error() == DecodeError::damaged) return StorageError::damaged;
    if (!head || head->bytes > out.size() - at) break;
    after = head->sequence;
    at += head->bytes;
  }
  out.resize(at);
  return after;
}

}  // namespace

Result<Sequence, StorageError> UpdateLog::read(Sequence after, std::size_t bytes_max, std::string& out) const {
  if (after >= written()) return after;
  const auto segment = segment_of(next(after));
  if (!segment) return StorageError::too_old;
  const auto end = segment->written_bytes.load();
  const auto offset = find_entry(*segment, index_offset(*segment, next(after)), end, next(after));
  if (!offset) return offset.error();
  if (*offset >= end) return after;

  char head_bytes[log_entry_header_bytes];
  if (end - *offset < sizeof head_bytes || read_at(segment->file.get(), head_bytes, sizeof head_bytes, *offset) != 0) {
    return StorageError::io;
  }
  const auto head = decode_entry_head({head_bytes, sizeof head_bytes});
  if (!head) return StorageError::damaged;
  const auto from = out.size();
  const auto wanted = std::max<std::uint64_t>(bytes_max, head->bytes);
  out.resize(from + std::min<std::uint64_t>(wanted, end - *offset));
  if (read_at(segment->file.get(), out.data() + from, out.size() - from, *offset) != 0) {
    out.resize(from);
    return StorageError::io;
  }
  return keep_whole(out, from, after);
}

Result<void, StorageError> UpdateLog::visit(Sequence after, const VisitEntry& visit) const {
  std::deque<std::shared_ptr<LogSegment>> segments;
  {
    const std::lock_guard lock{segments_mutex_};
    segments = segments_;
  }
  if (next(after) < segments.front()->header.first) return StorageError::too_old;
  for (std::size_t at = 0; at < segments.size(); ++at) {
    if (at + 1 < segments.size() && segments[at + 1]->header.first <= next(after)) continue;
    if (!visit_segment(*segments[at], after, visit)) return StorageError::damaged;
  }
  return boost::system::in_place_value;
}

}  // namespace flare
