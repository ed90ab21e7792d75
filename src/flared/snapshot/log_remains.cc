#include "flared/snapshot/log_remains.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "flared/storage/file_tools.h"
#include "flared/storage/log_codec.h"

namespace flare::snapshot {
namespace {

using Visit = std::function<void(const LogEntry& entry, bool whole)>;

class Reader {
 public:
  Reader(const Visit& visit, Sequence covered) : visit_(visit), covered_(covered) {}

  void segment(const std::filesystem::path& path) {
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
      whole_ = false;
      return;
    }
    const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
    const auto header = decode_segment_header(mapped.bytes());
    if (!header && is_room(mapped.bytes())) return;
    if (!header) {
      whole_ = false;
      return discard(mapped.bytes());
    }
    begin(header->header);
    entries(mapped.bytes().substr(header->bytes));
  }

  LogRemains remains() && { return std::move(remains_); }

 private:
  // The newest segment may end in room that was reserved, which reads as zeros.
  static bool is_room(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

  void begin(const SegmentHeader& header) {
    if (remains_.log_id == LogId{0}) {
      remains_.log_id = header.log_id;
      remains_.first = header.first;
      remains_.last = Sequence{raw(header.first) - 1};
      remains_.epochs = header.epochs;
      remains_.epoch = header.epochs.empty() ? Epoch{0} : header.epochs.back().epoch;
      if (!whole_) remains_.last = Sequence{0};  // one that cannot be read came before it
      go_on_at(header.first);
      return;
    }
    if (header.log_id != remains_.log_id) ours_ = false;
    if (whole_ && ours_ && header.first == next(remains_.last)) return;
    whole_ = false;
    go_on_at(header.first);
  }

  // Behind a hole, if the snapshot has all that was in it.
  bool go_on_at(Sequence first) {
    if (whole_ || !ours_ || first > next(covered_) || first <= remains_.last) return whole_;
    remains_.last = Sequence{raw(first) - 1};
    ++remains_.damages_covered;
    return whole_ = true;
  }

  void entries(std::string_view bytes) {
    do {
      take_whole(bytes);
      if (is_room(bytes)) return;
      whole_ = false;
    } while (skip_covered(bytes));
    discard(bytes);
  }

  void take_whole(std::string_view& bytes) {
    while (whole_ && !bytes.empty()) {
      const auto decoded = decode_entry(bytes);
      if (!decoded || decoded->entry.sequence != next(remains_.last) || decoded->entry.epoch < remains_.epoch) return;
      visit_(decoded->entry, true);
      remains_.last = decoded->entry.sequence;
      remains_.epoch = decoded->entry.epoch;
      note_epoch(remains_.epochs, remains_.epoch, remains_.last);
      bytes.remove_prefix(decoded->bytes);
    }
  }

  // To the next intact entry, if the log goes on there.
  bool skip_covered(std::string_view& bytes) {
    const auto at = find_intact_entry(bytes);
    if (at == std::string_view::npos) return false;
    const auto entry = decode_entry(bytes.substr(at))->entry;
    if (entry.epoch < remains_.epoch || !go_on_at(entry.sequence)) return false;
    bytes.remove_prefix(at);
    return true;
  }

  void discard(std::string_view bytes) {
    remains_.discarded_bytes += bytes.size();
    for (auto at = find_intact_entry(bytes); at != std::string_view::npos; at = find_intact_entry(bytes)) {
      const auto decoded = decode_entry(bytes.substr(at));
      visit_(decoded->entry, false);
      ++remains_.discarded_entries;
      bytes.remove_prefix(at + decoded->bytes);
    }
  }

  const Visit& visit_;
  const Sequence covered_;
  LogRemains remains_;
  bool ours_ = true;   // no segment of another log was met
  bool whole_ = true;  // up to remains_.last
};

}  // namespace

LogRemains read_log_remains(const std::filesystem::path& folder, const Visit& visit, Sequence covered) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".log") paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());  // names are first sequences of equal width
  Reader reader{visit, covered};
  for (const auto& path : paths) reader.segment(path);
  return std::move(reader).remains();
}

}  // namespace flare::snapshot
