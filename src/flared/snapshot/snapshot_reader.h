#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/replication/stream_codec.h"
#include "flared/snapshot/snapshot_lines.h"

/// Reads snapshots (docs/design.md 3.5). Only the last line proves one: keep nothing of it before `read` has returned.
namespace flare::snapshot {

/// What a whole snapshot holds.
struct Facts {
  Head head;
  Position begin;     // of the scan
  EpochTable epochs;  // of all entries up to the end
  Position end;       // the picture is that of the store here
  std::uint64_t records = 0;
  std::uint64_t deletions = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

/// Gets the parts in their order. A failure is a sentence, and ends the reading.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual Result<void, std::string> begin(const Head&, const stream::SnapshotBegin&) { return {}; }
  virtual Result<void, std::string> record(std::string_view key, const RecordView& record) = 0;
  virtual Result<void, std::string> deletion(const stream::Deleted& deleted) = 0;
  virtual Result<void, std::string> entry(const LogEntry& entry) = 0;
};

/// Pure. The error is a sentence without the file's name.
Result<Facts, std::string> read(std::string_view bytes, std::size_t data_bytes_max, Visitor& visitor);
/// Everything is checked, nothing kept.
Result<Facts, std::string> verify(std::string_view bytes, std::size_t data_bytes_max);

/// The same for a file; errors name it.
Result<Facts, std::string> read_file(const std::filesystem::path& path, std::size_t data_bytes_max, Visitor& visitor);
Result<Facts, std::string> verify_file(const std::filesystem::path& path, std::size_t data_bytes_max);
/// The first line only.
Result<Head, std::string> read_file_head(const std::filesystem::path& path);

}  // namespace flare::snapshot
