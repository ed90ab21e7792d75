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
  explicit Reader(const Visit& visit) : visit_(visit) {}

  void segment(const std::filesystem::path& path) {
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
      whole_ = false;
      return;
    }
    const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
    const auto header = decode_segment_header(mapped.bytes());
    if (!header) return discard(mapped.bytes());
    begin(header->header);
    entries(mapped.bytes().substr(header->bytes));
  }

  LogRemains remains() && { return std::move(remains_); }

 private:
  void begin(const SegmentHeader& header) {
    if (remains_.log_id == LogId{0}) {
      remains_.log_id = header.log_id;
      remains_.first = header.first;
      remains_.last = Sequence{raw(header.first) - 1};
      remains_.epochs = header.epochs;
      remains_.epoch = header.epochs.empty() ? Epoch{0} : header.epochs.back().epoch;
      return;
    }
    if (header.log_id != remains_.log_id || header.first != next(remains_.last)) whole_ = false;
  }

  void entries(std::string_view bytes) {
    while (whole_ && !bytes.empty()) {
      const auto decoded = decode_entry(bytes);
      if (!decoded || decoded->entry.sequence != next(remains_.last) || decoded->entry.epoch < remains_.epoch) break;
      visit_(decoded->entry, true);
      remains_.last = decoded->entry.sequence;
      remains_.epoch = decoded->entry.epoch;
      note_epoch(remains_.epochs, remains_.epoch, remains_.last);
      bytes.remove_prefix(decoded->bytes);
    }
    discard(bytes);
  }

  // The newest segment may end in room that was reserved, which reads as zeros; anything else cuts the log here.
  void discard(std::string_view bytes) {
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return;
    whole_ = false;
    remains_.discarded_bytes += bytes.size();
    for (auto at = find_intact_entry(bytes); at != std::string_view::npos; at = find_intact_entry(bytes)) {
      const auto decoded = decode_entry(bytes.substr(at));
      visit_(decoded->entry, false);
      ++remains_.discarded_entries;
      bytes.remove_prefix(at + decoded->bytes);
    }
  }

  const Visit& visit_;
  LogRemains remains_;
  bool whole_ = true;
};

}  // namespace

LogRemains read_log_remains(const std::filesystem::path& folder, const Visit& visit) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".log") paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());  // names are first sequences of equal width
  Reader reader{visit};
  for (const auto& path : paths) reader.segment(path);
  return std::move(reader).remains();
}

}  // namespace flare::snapshot
