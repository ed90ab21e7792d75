#include "flared/storage/update_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace flare {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;  // both buffers keep this much
constexpr std::size_t buffer_bytes_kept_max = 4 * 1024 * 1024;
constexpr std::uint64_t reserve_step_bytes = 1024 * 1024;
constexpr std::uint64_t segment_bytes_min = 64 * 1024;
constexpr std::uint64_t segment_bytes_max = 64 * 1024 * 1024;
constexpr std::uint64_t pinned_factor_max = 4;  // pins hold segments up to this many times bytes_max

StorageError storage_error(int error) {
  return means_out_of_space(error) ? StorageError::out_of_space : StorageError::io;
}

// After one huge value the buffer does not keep its memory.
void clear_buffer(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > buffer_bytes_kept_max) buffer = std::string{};
  buffer.reserve(buffer_bytes);
}

}  // namespace

UpdateLog::UpdateLog(Options options)
    : options_(std::move(options)),
      segment_bytes_(std::clamp(options_.bytes_max / 8, segment_bytes_min, segment_bytes_max)) {
  buffer_.reserve(buffer_bytes);
  writing_.reserve(buffer_bytes);
}

UpdateLog::~UpdateLog() {
  // Gives back what was reserved beyond the end.
  if (current_) std::ignore = ::ftruncate(current_->file.get(), static_cast<off_t>(current_->written_bytes.load()));
}

Result<void, StorageError> UpdateLog::make_room(std::uint64_t bytes) {
  const auto end = buffer_at_ + buffer_.size() + bytes;
  if (end <= reserved_to_) return boost::system::in_place_value;
  const auto more = std::max(end - reserved_to_, reserve_step_bytes);
  const int error = options_.reserve(current_->file.get(), reserved_to_, more);
  if (error != 0) return storage_error(error);
  reserved_to_ += more;
  return boost::system::in_place_value;
}

void UpdateLog::put(const LogEntry& entry) {
  auto& index = current_->index;
  const auto offset = buffer_at_ + buffer_.size();
  if (index.empty() || offset - index.back().offset >= index_step_bytes) {
    index.push_back({.sequence = entry.sequence, .offset = offset});
  }
  buffer_.resize(buffer_.size() + encoded_bytes(entry));
  encode_entry(entry, buffer_.data() + buffer_.size() - encoded_bytes(entry));
  epoch_ = last_epoch_ = entry.epoch;
  note_epoch(epochs_, entry.epoch, entry.sequence);
  buffered_.store(buffer_.size(), std::memory_order_relaxed);
  last_.store(raw(entry.sequence), std::memory_order_release);
}

Result<Sequence, StorageError> UpdateLog::append(LogEntry entry) {
  const std::lock_guard lock{append_mutex_};
  if (const auto room = make_room(encoded_bytes(entry)); !room) return room.error();
  entry.sequence = next(last());
  entry.epoch = epoch_;
  put(entry);
  return entry.sequence;
}

Result<void, StorageError> UpdateLog::append_numbered(const LogEntry& entry) {
  const std::lock_guard lock{append_mutex_};
  if (entry.sequence != next(last()) || entry.epoch < epoch_) return StorageError::sequence_gap;
  if (const auto room = make_room(encoded_bytes(entry)); !room) return room.error();
  put(entry);
  return boost::system::in_place_value;
}

int UpdateLog::write_pending() {
  if (writing_.empty()) return 0;
  ++write_calls_;
  const int error = write_at(current_->file.get(), writing_, writing_at_);
  if (error != 0) return error;
  appended_ += writing_.size();
  current_->written_bytes = writing_at_ + writing_.size();
  written_.store(raw(writing_last_), std::memory_order_release);
  clear_buffer(writing_);
  return 0;
}

int UpdateLog::write_buffered() {
  if (const int error = write_pending()) return error;  // what failed before
  {
    const std::lock_guard lock{append_mutex_};
    std::swap(buffer_, writing_);
    writing_at_ = buffer_at_;
    writing_last_ = last();
    buffer_at_ += writing_.size();
    buffered_.store(0, std::memory_order_relaxed);
  }
  return write_pending();
}

Result<bool, StorageError> UpdateLog::write() {
  if (written() == last()) return false;
  const std::lock_guard lock{write_mutex_};
  if (written() == last()) return false;
  if (const int error = write_buffered()) return storage_error(error);
  if (current_->written_bytes >= segment_bytes_) {
    // Between two writes if possible; else the few bytes that others have added meanwhile go first.
    const std::lock_guard append{append_mutex_};
    if (buffer_.empty() || current_->written_bytes >= 2 * segment_bytes_) std::ignore = roll_written();
  }
  return true;
}

// Under both mutexes: no entry may be numbered while the segment changes. On failure the old one goes on.
int UpdateLog::roll_written() {
  if (!buffer_.empty()) {
    std::swap(buffer_, writing_);
    writing_at_ = std::exchange(buffer_at_, buffer_at_ + writing_.size());
    writing_last_ = last();
    buffered_.store(0, std::memory_order_relaxed);
  }
  if (const int error = write_pending()) return error;
  return begin_segment();
}

int UpdateLog::begin_segment() {
  auto created = LogSegment::create(options_.folder,
                                    {.log_id = log_id_, .first = next(last()), .epoch = epoch_, .epochs = epochs_});
  if (!created) return created.error();
  auto segment = std::move(*created);
  segment->index.reserve(index_points_max());
  if (current_) std::ignore = ::ftruncate(current_->file.get(), static_cast<off_t>(current_->written_bytes.load()));
  buffer_at_ = reserved_to_ = segment->entries_at;
  current_ = segment;
  {
    const std::lock_guard lock{segments_mutex_};
    if (!segments_.empty() && segments_.back()->empty()) segments_.pop_back();  // the same name: replaced by the rename
    segments_.push_back(std::move(segment));
  }
  drop_old_segments();
  return 0;
}

// What was written before this call is in segments that are in the list now. A new one needs its name on the disk too.
Result<void, StorageError> UpdateLog::sync() {
  const std::lock_guard alone{sync_mutex_};
  const auto last = written();
  if (synced() >= last) return boost::system::in_place_value;
  std::deque<std::shared_ptr<LogSegment>> segments;
  {
    const std::lock_guard lock{segments_mutex_};
    segments = segments_;
  }
  bool named = false;
  for (const auto& segment : segments) {
    const auto bytes = segment->written_bytes.load();
    if (segment->synced_bytes >= bytes) continue;
    if (const int error = options_.sync(segment->file.get(), segment->path)) return storage_error(error);
    named = named || segment->synced_bytes == 0;
    segment->synced_bytes = bytes;
  }
  if (named) {
    const FileDescriptor folder{::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder) return storage_error(errno);
    if (const int error = options_.sync(folder.get(), options_.folder)) return storage_error(error);
  }
  synced_.store(raw(last), std::memory_order_release);
  return boost::system::in_place_value;
}

Result<void, StorageError> UpdateLog::roll() {
  const std::lock_guard lock{write_mutex_};
  if (const int error = write_pending()) return storage_error(error);
  const std::lock_guard append{append_mutex_};
  if (const int error = roll_written()) return storage_error(error);
  return boost::system::in_place_value;
}

Result<void, StorageError> UpdateLog::set_epoch(Epoch epoch) {
  const std::lock_guard lock{write_mutex_};
  if (const int error = write_pending()) return storage_error(error);
  const std::lock_guard append{append_mutex_};
  if (epoch <= epoch_) return boost::system::in_place_value;
  const auto before = std::exchange(epoch_, epoch);
  if (const int error = roll_written()) {
    epoch_ = before;
    return storage_error(error);
  }
  return boost::system::in_place_value;
}

Position UpdateLog::position() const {
  const std::lock_guard lock{append_mutex_};
  return {.log_id = log_id_, .epoch = last_epoch_, .sequence = last()};
}

Epoch UpdateLog::epoch() const {
  const std::lock_guard lock{append_mutex_};
  return epoch_;
}

EpochTable UpdateLog::epochs() const {
  const std::lock_guard lock{append_mutex_};
  return epochs_;
}

Sequence UpdateLog::first() const {
  const std::lock_guard lock{segments_mutex_};
  return segments_.front()->header.first;
}

std::uint64_t UpdateLog::bytes() const {
  const std::lock_guard lock{segments_mutex_};
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment->written_bytes;
  return total;
}

std::shared_ptr<void> UpdateLog::pin(Sequence after) {
  const std::lock_guard lock{*pins_mutex_};
  const auto place = pins_->insert(after);
  return {nullptr, [pins = pins_, mutex = pins_mutex_, place](void*) {
            const std::lock_guard unpin{*mutex};
            pins->erase(place);
          }};
}

void UpdateLog::checkpointed(Sequence sequence) {
  {
    const std::lock_guard lock{segments_mutex_};
    checkpointed_ = sequence;
  }
  drop_old_segments();
}

void UpdateLog::keep_after(Sequence sequence) {
  {
    const std::lock_guard lock{segments_mutex_};
    keep_after_ = std::max(keep_after_, sequence);
  }
  drop_old_segments();
}

void UpdateLog::drop_old_segments() {
  if (!options_.drop_when_told) drop_surplus(surplus());
}

// design.md 3.1: never what the next start needs; what a reader has pinned only up to a bound. Under segments_mutex_.
std::size_t UpdateLog::surplus_segments() const {
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment->written_bytes;
  std::size_t surplus = 0;
  for (; surplus + 1 < segments_.size() && total > options_.bytes_max; ++surplus) {
    const auto last = Sequence{raw(segments_[surplus + 1]->header.first) - 1};
    if (last > checkpointed_ || (options_.keep_all && last > keep_after_)) break;
    const std::lock_guard pins{*pins_mutex_};
    const bool pinned = !pins_->empty() && *pins_->begin() < last;
    if (pinned && total <= pinned_factor_max * options_.bytes_max) break;
    total -= segments_[surplus]->written_bytes;
  }
  return surplus;
}

Sequence UpdateLog::surplus() const {
  const std::lock_guard lock{segments_mutex_};
  const auto surplus = surplus_segments();
  return surplus == 0 ? Sequence{0} : Sequence{raw(segments_[surplus]->header.first) - 1};
}

void UpdateLog::drop_surplus(Sequence up_to) {
  const std::lock_guard lock{segments_mutex_};
  for (auto left = surplus_segments(); left > 0 && segments_[1]->header.first <= next(up_to); --left) {
    ::unlink(segments_.front()->path.c_str());
    segments_.pop_front();
  }
}

int UpdateLog::link_into(const std::filesystem::path& folder) const {
  if (::mkdir(folder.c_str(), 0755) != 0) return errno;
  const std::lock_guard lock{segments_mutex_};
  for (const auto& segment : segments_) {
    if (segment->empty()) continue;
    if (::link(segment->path.c_str(), (folder / segment->path.filename()).c_str()) != 0) return errno;
  }
  return 0;
}

}  // namespace flare
