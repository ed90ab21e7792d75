#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flared/storage/file_tools.h"
#include "flared/storage/log_codec.h"

namespace flare {

using VisitEntry = std::function<void(const LogEntry&)>;

/// One file of the update log: a header, then entries numbered without gaps. Written by UpdateLog alone; what is
/// written never changes, so that other threads may read up to `written_bytes`.
class LogSegment {
 public:
  /// Makes the file whole or not at all: header, then renamed to its name.
  static Result<std::shared_ptr<LogSegment>, int> create(const std::filesystem::path& folder,
                                                         const SegmentHeader& header);

  /// Where the entries up to a sequence begin, for reading from the middle.
  struct IndexPoint {
    Sequence sequence{0};
    std::uint64_t offset = 0;
  };

  std::filesystem::path path;
  FileDescriptor file;
  SegmentHeader header;
  std::uint64_t entries_at = 0;  // end of the header
  std::atomic<std::uint64_t> written_bytes{0};
  std::uint64_t synced_bytes = 0;  // guarded by UpdateLog's sync mutex
  std::vector<IndexPoint> index;   // guarded by UpdateLog's append mutex

  bool empty() const { return written_bytes == entries_at; }
  static std::string file_name(Sequence first);
};

/// What opening a segment found.
struct SegmentScan {
  std::shared_ptr<LogSegment> segment;
  Sequence last{0};              // of its last entry, or the one before its first
  EpochTable epochs;             // of its entries
  std::uint64_t torn_bytes = 0;  // cut off
};

/// How a segment may end (design.md 3.4). Whatever else is there is damage.
enum class SegmentEnd : std::uint8_t {
  whole,     // others follow it
  torn,      // the newest: a kill may have cut its last entry short
  unsynced,  // the newest, and the machine has stopped: of what was not synced any page may be missing
};

/// Reads and checks all of a segment and shows each entry; a torn tail is cut off. The error names the file.
Result<SegmentScan, std::string> open_segment(const std::filesystem::path& path, SegmentEnd end,
                                              const VisitEntry& visit);

/// A sentence that names a segment of a format that another version has written; empty if there is none.
std::string refuse_unknown_format(const std::filesystem::path& folder);

/// Shows the entries after `after` of a segment that was checked before.
bool visit_segment(const LogSegment& segment, Sequence after, const VisitEntry& visit);

constexpr std::uint64_t index_step_bytes = 64 * 1024;

}  // namespace flare
