#include "flared/storage/undo_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <vector>

namespace flare {
namespace {

constexpr char magic[] = {'K', 'W', '\n', 0};
constexpr std::size_t size_at = sizeof magic;
constexpr std::size_t rows_at = size_at + sizeof(std::uint64_t);
constexpr char row_marker = '\xee';
constexpr std::size_t row_header_bytes = 1 + 2 * sizeof(std::uint64_t);

constexpr std::uint64_t step_bytes = 256 * 1024;
// After a commit. A checkpoint is due after 4 MiB of data (CheckpointPace): with the rows' heads, and what comes until
// it begins, its undo file is larger, and would be cut off and made anew each time.
constexpr std::uint64_t kept_bytes_max = 8 * 1024 * 1024;

// Big-endian, in one store: a kill finds the old number or the new one.
void put_big(char* out, std::uint64_t number) {
  const auto swapped = __builtin_bswap64(number);
  std::memcpy(out, &swapped, sizeof swapped);
}

std::uint64_t get_big(const char* in) {
  std::uint64_t swapped = 0;
  std::memcpy(&swapped, in, sizeof swapped);
  return __builtin_bswap64(swapped);
}

// What was written before is there for whoever finds this byte: the order in which a kill leaves it.
void publish(char* at, char byte) {
  std::atomic_ref<char>{*at}.store(byte, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace

bool UndoFile::fail(const char* what) {
  error_ = what;
  return false;
}

void UndoFile::unmap() {
  if (map_ != nullptr) ::munmap(map_, mapped_bytes_);
  map_ = nullptr;
  mapped_bytes_ = 0;
}

bool UndoFile::close() {
  const auto undo_path = path() + EXTCHR + "wal";
  const bool rolled_back = !in_transaction_ || end_transaction(false);
  unmap();
  if (undo_ && rolled_back) ::unlink(undo_path.c_str());
  undo_ = FileDescriptor{};
  return File::close() && rolled_back;
}

// Blocks first: a store into a mapped hole of a full disk would be the end of the process.
bool UndoFile::take_blocks(std::uint64_t size) {
  if (reserve_space(undo_.get(), mapped_bytes_, size - mapped_bytes_) != 0) return false;
  return ::ftruncate(undo_.get(), static_cast<off_t>(size)) == 0;
}

bool UndoFile::make_room(std::uint64_t end) {
  if (end <= mapped_bytes_) return true;
  const auto size = (end + step_bytes - 1) / step_bytes * step_bytes;
  if (!take_blocks(size)) return fail("the undo file cannot grow");
  void* map = map_ == nullptr ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, undo_.get(), 0)
                              : ::mremap(map_, mapped_bytes_, size, MREMAP_MAYMOVE);
  if (map == MAP_FAILED) return fail("the undo file cannot be mapped");
  map_ = static_cast<char*>(map);
  mapped_bytes_ = size;
  return true;
}

bool UndoFile::begin_transaction(bool, std::int64_t from) {
  const std::lock_guard lock{mutex_};
  error_ = nullptr;
  if (!undo_) {
    const auto undo_path = path() + EXTCHR + "wal";
    undo_ = FileDescriptor{::open(undo_path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!undo_) return fail("the undo file cannot be made");
  }
  if (!make_room(rows_at + 1)) return false;
  from_ = from;
  size_at_begin_ = kept_to_ = size();
  map_[rows_at] = 0;
  put_big(map_ + size_at, static_cast<std::uint64_t>(size_at_begin_));
  std::memcpy(map_, magic, sizeof magic);
  end_ = rows_at;
  in_transaction_ = true;
  return true;
}

bool UndoFile::keep(std::int64_t offset, std::size_t size) {
  if (!in_transaction_) return true;
  const auto begin = std::max(offset, from_);
  const auto end = std::min(offset + static_cast<std::int64_t>(size), kept_to_);
  return begin >= end || keep_range(begin, static_cast<std::size_t>(end - begin));
}

bool UndoFile::keep_range(std::int64_t offset, std::size_t size) {
  const std::lock_guard lock{mutex_};
  if (!make_room(end_ + row_header_bytes + size + 1)) return false;
  char* row = map_ + end_;
  put_big(row + 1, static_cast<std::uint64_t>(offset));
  put_big(row + 1 + sizeof(std::uint64_t), size);
  if (!File::read_fast(offset, row + row_header_bytes, size)) return false;
  row[row_header_bytes + size] = 0;
  publish(row, row_marker);
  end_ += row_header_bytes + size;
  return true;
}

// The library cuts its file only while nobody writes beside.
bool UndoFile::truncate(std::int64_t to) {
  const auto cut = size() - to;
  if (cut > 0 && !keep(to, static_cast<std::size_t>(cut))) return false;
  kept_to_ = std::min(kept_to_, to);
  return File::truncate(to);
}

// With the size of now the start after a kill cuts nothing off, whether it finds the rows or the zero.
bool UndoFile::end_transaction(bool commit) {
  const std::lock_guard lock{mutex_};
  if (!in_transaction_) return fail("there is no transaction");
  if (!commit && !roll_back()) return false;
  in_transaction_ = false;
  put_big(map_ + size_at, static_cast<std::uint64_t>(size()));
  publish(map_ + rows_at, 0);
  end_ = rows_at;
  if (mapped_bytes_ > kept_bytes_max) {
    unmap();  // the next begin maps it again
    std::ignore = ::ftruncate(undo_.get(), step_bytes);
  }
  return true;
}

// The newest first: of bytes that were changed twice the oldest count.
bool UndoFile::roll_back() {
  struct Row {
    std::int64_t offset;
    std::string_view bytes;
  };
  std::vector<Row> rows;
  for (auto at = rows_at; at < end_;) {
    const auto size = get_big(map_ + at + 1 + sizeof(std::uint64_t));
    rows.push_back({static_cast<std::int64_t>(get_big(map_ + at + 1)), {map_ + at + row_header_bytes, size}});
    at += row_header_bytes + size;
  }
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (!File::write(row->offset, row->bytes.data(), row->bytes.size())) return false;
  }
  return size() == size_at_begin_ || File::truncate(size_at_begin_);
}

}  // namespace flare
