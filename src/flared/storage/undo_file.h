#pragma once

#include <kcfile.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "flared/storage/file_tools.h"

namespace flare {

/// The library's file with an undo file of our own beside it, written through a map in place of one system call for
/// each change: that was half the time of a set, and a lock of the kernel for all workers (docs/benchmarks.md).
///
/// `<store>.wal` is in the library's format, so that its own start rolls back what a kill has left, also an original's:
/// magic, size of the store at the begin (u64, big-endian); rows of marker, offset u64, length u64, the bytes as they
/// were. A zero in a marker's place ends the rows. What follows of earlier transactions means nothing.
///
/// A kill leaves what the process has written, in its order: a row lies whole behind a zero before its marker makes it
/// valid, and only then the store is changed. A zero in the first marker's place is the commit. Stands in for
/// kyotocabinet::File (undo_hash_db.h): the same functions, safe from any thread like those.
class UndoFile : public kyotocabinet::File {
 public:
  UndoFile() = default;
  ~UndoFile() { unmap(); }
  UndoFile(const UndoFile&) = delete;
  UndoFile& operator=(const UndoFile&) = delete;

  bool close();
  bool write(std::int64_t offset, const void* bytes, std::size_t size) {
    return keep(offset, size) && File::write(offset, bytes, size);
  }
  bool write_fast(std::int64_t offset, const void* bytes, std::size_t size) {
    return keep(offset, size) && File::write_fast(offset, bytes, size);
  }
  bool truncate(std::int64_t size);
  /// Bytes before `from` are not kept but by write_transaction. Never synced: `hard` is the library's.
  bool begin_transaction(bool hard, std::int64_t from);
  bool write_transaction(std::int64_t offset, std::size_t size) { return keep_range(offset, size); }
  bool end_transaction(bool commit);
  const char* error() const { return error_ != nullptr ? error_ : File::error(); }

 private:
  bool keep(std::int64_t offset, std::size_t size);
  bool keep_range(std::int64_t offset, std::size_t size);
  bool make_room(std::uint64_t end);
  bool take_blocks(std::uint64_t size);
  bool roll_back();
  void unmap();
  bool fail(const char* what);

  std::mutex mutex_;  // of the rows
  FileDescriptor undo_;
  char* map_ = nullptr;
  std::uint64_t mapped_bytes_ = 0;  // all of the file, and it has blocks for it
  std::uint64_t end_ = 0;           // of the rows
  bool in_transaction_ = false;     // changed while nobody else writes
  std::int64_t from_ = 0;
  std::int64_t size_at_begin_ = 0;
  std::int64_t kept_to_ = 0;  // what lies behind is new, or kept since it was cut off
  const char* error_ = nullptr;
};

}  // namespace flare
