#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/replication/stream_checksum.h"
#include "flared/snapshot/snapshot_lines.h"
#include "flared/storage/file_tools.h"

namespace flare::snapshot {

/// Writes one snapshot file: `<name>.part` until `finish` has synced it and given it its name. Errors are sentences
/// that name the file. For the blocking pool.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>, std::string> create(std::filesystem::path path, const Head& head);
  ~Writer();  // without `finish` the file is removed
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Messages of the replication stream, whole ones.
  Result<void, std::string> append(std::string_view bytes);
  Result<void, std::string> finish(Epoch epoch, Sequence sequence, std::uint64_t entries);

  std::uint64_t bytes() const { return written_ + buffer_.size(); }

 private:
  Writer(std::filesystem::path path, std::filesystem::path beside, FileDescriptor file);
  Result<void, std::string> write_buffered();
  std::string failure(int error) const;

  const std::filesystem::path path_;
  const std::filesystem::path beside_;
  FileDescriptor file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  stream::Checksum checksum_;
  bool finished_ = false;
};

}  // namespace flare::snapshot
