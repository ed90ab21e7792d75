#include "flared/storage/store_space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace flare {
namespace {

constexpr std::uint64_t store_step_bytes = 1024 * 1024;
constexpr std::uint64_t undo_step_bytes = 256 * 1024;

// The library's own bytes of a record, before its padding.
constexpr std::uint64_t record_overhead_bytes = 64;
// Links of the record's chain, free blocks: each change of old bytes is a row of the undo file.
constexpr std::uint64_t undo_rows_bytes = 512;
// A record in a free block may fill up to twice its size.
constexpr std::uint64_t undo_bytes_of(std::uint64_t record_bytes) { return 2 * record_bytes + undo_rows_bytes; }

// Enough for the marks, segments and repairs of many tenants, and little on a small disk.
constexpr std::uint64_t share_of_disk = 64;
constexpr std::uint64_t share_bytes_max = 64 * 1024 * 1024;

}  // namespace

ReserveSpace reserve_above(std::uint64_t free_bytes_min, std::uint64_t times) {
  return [free_bytes_min, times](int descriptor, std::uint64_t offset, std::uint64_t bytes) {
    struct statvfs disk {};
    if (::fstatvfs(descriptor, &disk) != 0) return errno;
    const auto share = std::min<std::uint64_t>(disk.f_blocks * disk.f_frsize / share_of_disk, share_bytes_max);
    const auto kept = times * (free_bytes_min != 0 ? free_bytes_min : share);
    if (disk.f_bavail * disk.f_frsize < kept + bytes) return ENOSPC;
    return reserve_space(descriptor, offset, bytes);
  };
}

int SpaceAhead::claim(int descriptor, std::uint64_t bytes, const ReserveSpace& reserve) {
  claimed_.fetch_add(bytes);
  if (claimed_.load() <= limit_.load()) return 0;
  const std::lock_guard lock{mutex_};
  const auto look = look_again();
  if (look.end_at_most <= reserved_to_) return 0;
  const auto needed = look.end_at_most - reserved_to_;
  auto more = std::max(needed, step_bytes_);
  int error = reserve(descriptor, reserved_to_, more);
  if (means_out_of_space(error) && more > needed) error = reserve(descriptor, reserved_to_, more = needed);
  if (error != 0) {
    settle(bytes);
    return error;
  }
  reserved_to_ += more;
  std::ignore = look_again();
  return 0;
}

// In this order: what was settled is in the size, and all else that was claimed may still come.
SpaceAhead::Look SpaceAhead::look_again() {
  const auto settled = settled_.load();
  const auto size = size_();
  set_limit(settled, size);
  return {.end_at_most = size + (claimed_.load() - settled)};
}

void SpaceAhead::set_limit(std::uint64_t settled, std::uint64_t size) {
  limit_ = settled + (reserved_to_ > size ? reserved_to_ - size : 0);
}

void SpaceAhead::restart(std::uint64_t reserved_to) {
  const std::lock_guard lock{mutex_};
  reserved_to_ = reserved_to;
  set_limit(settled_.load(), size_());
}

StoreSpace::StoreSpace(std::filesystem::path path, Size store_bytes)
    : path_(std::move(path)),
      store_bytes_(std::move(store_bytes)),
      ahead_(store_step_bytes, store_bytes_),
      undo_ahead_(undo_step_bytes, [this] { return undo_bytes(); }) {}

int StoreSpace::open(bool empty, std::uint64_t head_bytes) {
  file_ = FileDescriptor{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (empty ? O_TRUNC : 0), 0644)};
  if (!file_) return errno;
  return head_bytes > 0 ? reserve_space(file_.get(), 0, head_bytes) : 0;
}

int StoreSpace::cover(std::uint64_t alignment_bytes, bool compressed) {
  const int error = reserve_space(file_.get(), 0, store_bytes_());
  if (error == 0) covered(alignment_bytes, compressed);
  return error;
}

void StoreSpace::covered(std::uint64_t alignment_bytes, bool compressed) {
  alignment_bytes_ = alignment_bytes;
  compressed_ = compressed;
  ahead_.restart(store_bytes_());
}

void StoreSpace::close() {
  file_ = FileDescriptor{};
  undo_ = FileDescriptor{};
}

int StoreSpace::transaction_begun() {
  struct stat status {};
  if (!undo_ || ::fstat(undo_.get(), &status) != 0 || status.st_nlink == 0) {
    auto path = path_;
    path += ".wal";
    undo_ = FileDescriptor{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!undo_) return errno;
  }
  undo_ahead_.restart(undo_bytes());  // it has blocks for all of its size (undo_file.h)
  return 0;
}

void StoreSpace::truncated() { ahead_.restart(store_bytes_()); }

std::uint64_t StoreSpace::growth_of(std::uint64_t record_bytes) const {
  if (record_bytes == 0) return 0;
  const auto expansion = compressed_ ? record_bytes / 16 + 67 : 0;  // the worst that LZO makes of it
  return record_bytes + expansion + record_overhead_bytes + alignment_bytes_;
}

std::uint64_t StoreSpace::undo_bytes() const {
  struct stat status {};
  return undo_ && ::fstat(undo_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

int StoreSpace::claim(std::uint64_t record_bytes, const ReserveSpace& reserve) {
  if (const int error = ahead_.claim(file_.get(), growth_of(record_bytes), reserve)) return error;
  if (!undo_) return 0;
  const int error = undo_ahead_.claim(undo_.get(), undo_bytes_of(record_bytes), reserve);
  if (error != 0) ahead_.settle(growth_of(record_bytes));
  return error;
}

void StoreSpace::settle(std::uint64_t record_bytes) {
  ahead_.settle(growth_of(record_bytes));
  if (undo_) undo_ahead_.settle(undo_bytes_of(record_bytes));
}

}  // namespace flare
