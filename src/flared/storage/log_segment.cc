#include "flared/storage/log_segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare {

std::string LogSegment::file_name(Sequence first) { return fmt::format("{:020}.log", raw(first)); }

Result<std::shared_ptr<LogSegment>, int> LogSegment::create(const std::filesystem::path& folder,
                                                            const SegmentHeader& header) {
  auto segment = std::make_shared<LogSegment>();
  segment->path = folder / file_name(header.first);
  segment->header = header;
  auto beside = segment->path;
  beside += ".tmp";
  segment->file = FileDescriptor{::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!segment->file) return errno;
  const auto bytes = encode_segment_header(header);
  int error = write_at(segment->file.get(), bytes, 0);
  if (error == 0 && ::rename(beside.c_str(), segment->path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(beside.c_str());
    return error;
  }
  segment->entries_at = bytes.size();
  segment->written_bytes = bytes.size();
  return segment;
}

namespace {

// Entries from `offset` on; stops at the first that is not whole, or not the next.
struct Walk {
  std::uint64_t offset = 0;
  Sequence last{0};
  EpochTable epochs;
};

// What lies behind the last good entry; empty: a torn tail. A kill leaves an entry short, never whole in length and
// wrong.
std::string_view name_damage(std::string_view rest, SegmentEnd end) {
  if (end == SegmentEnd::whole || find_intact_entry(rest.substr(1)) != std::string_view::npos) {
    return "is damaged and intact ones follow it";
  }
  const auto decoded = decode_entry(rest);
  if (decoded) return "is intact and not the next one";
  if (end == SegmentEnd::torn && decoded.error() == DecodeError::damaged) {
    return "is damaged, and not by a kill: it is not cut short";
  }
  return {};
}

bool goes_back(const EpochTable& epochs, Epoch epoch) { return !epochs.empty() && epoch < epochs.back().epoch; }

void walk_entries(std::string_view bytes, LogSegment& segment, Walk& walk, const VisitEntry& visit) {
  while (walk.offset < bytes.size()) {
    const auto decoded = decode_entry(bytes.substr(walk.offset));
    if (!decoded || decoded->entry.sequence != next(walk.last) || goes_back(walk.epochs, decoded->entry.epoch)) return;
    if (segment.index.empty() || walk.offset - segment.index.back().offset >= index_step_bytes) {
      segment.index.push_back({.sequence = decoded->entry.sequence, .offset = walk.offset});
    }
    if (visit) visit(decoded->entry);
    walk.last = decoded->entry.sequence;
    note_epoch(walk.epochs, decoded->entry.epoch, decoded->entry.sequence);
    walk.offset += decoded->bytes;
  }
}

}  // namespace

Result<SegmentScan, std::string> open_segment(const std::filesystem::path& path, SegmentEnd end,
                                              const VisitEntry& visit) {
  auto segment = std::make_shared<LogSegment>();
  segment->path = path;
  segment->file = FileDescriptor{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  struct stat status {};
  if (!segment->file || ::fstat(segment->file.get(), &status) != 0) {
    return fmt::format("{}: cannot be opened: {}", path.string(), error_text(errno));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const MappedFile mapped{segment->file.get(), size};
  if (mapped.failed()) return fmt::format("{}: cannot be mapped: {}", path.string(), error_text(errno));

  auto header = decode_segment_header(mapped.bytes());
  if (!header || path.filename() != LogSegment::file_name(header->header.first)) {
    return fmt::format("{}: is no segment of an update log, or its header is damaged", path.string());
  }
  segment->entries_at = header->bytes;
  segment->header = std::move(header->header);

  Walk walk{.offset = segment->entries_at, .last = Sequence{raw(segment->header.first) - 1}, .epochs = {}};
  walk_entries(mapped.bytes(), *segment, walk, visit);
  const auto rest = mapped.bytes().substr(walk.offset);
  if (!rest.empty()) {
    if (const auto damage = name_damage(rest, end); !damage.empty()) {
      return fmt::format("{}: the entry at byte {} {}", path.string(), walk.offset, damage);
    }
    if (::ftruncate(segment->file.get(), static_cast<off_t>(walk.offset)) != 0) {
      return fmt::format("{}: its torn tail cannot be cut off: {}", path.string(), error_text(errno));
    }
  }
  segment->written_bytes = walk.offset;
  return SegmentScan{
      .segment = std::move(segment), .last = walk.last, .epochs = std::move(walk.epochs), .torn_bytes = rest.size()};
}

std::string refuse_unknown_format(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() != ".log") continue;
    const FileDescriptor file{::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC)};
    char head[16];
    if (!file || read_at(file.get(), head, sizeof head, 0) != 0) continue;  // told when it is opened
    if (const auto format = unknown_segment_format({head, sizeof head})) {
      return fmt::format(
          "{}: is an update log of format {}, which this version does not know; start the version that wrote it",
          entry->path().string(), *format);
    }
  }
  return {};
}

bool visit_segment(const LogSegment& segment, Sequence after, const VisitEntry& visit) {
  const MappedFile mapped{segment.file.get(), segment.written_bytes};
  if (mapped.failed()) return false;
  std::uint64_t offset = segment.entries_at;
  while (offset < mapped.bytes().size()) {
    const auto rest = mapped.bytes().substr(offset);
    const auto head = decode_entry_head(rest);
    if (!head) return false;
    if (head->sequence > after) {
      const auto decoded = decode_entry(rest);
      if (!decoded) return false;
      visit(decoded->entry);
    }
    offset += head->bytes;
  }
  return true;
}

}  // namespace flare
