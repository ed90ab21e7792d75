// A folder of an update log with one segment made of the input: as it is, or with a good header or good entries before
// it. Opening it never crashes; what it shows can be read again and goes on after a new entry (docs/design.md 3.4).
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "flared/storage/update_log.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;

// Of this process: made at the first input, in memory where the system has such a folder.
const std::filesystem::path& folder() {
  static const auto made = [] {
    const std::filesystem::path memory{"/dev/shm"};
    const auto parent = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string name = parent / "flare-fuzz-log-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr);
    static const struct Removal {
      std::string path;
      ~Removal() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
      }
    } removal{name};
    return std::filesystem::path{name};
  }();
  return made;
}

const flare::SegmentHeader header{
    .log_id = flare::LogId{7}, .first = flare::Sequence{1}, .epoch = flare::Epoch{1}, .epochs = {}};

std::string good_entries(int count) {
  std::string bytes;
  for (int i = 1; i <= count; ++i) {
    flare::LogEntry entry;
    entry.epoch = flare::Epoch{1};
    entry.sequence = flare::Sequence{static_cast<std::uint64_t>(i)};
    entry.key = "key";
    entry.data = "data";
    const auto at = bytes.size();
    bytes.resize(at + flare::encoded_bytes(entry));
    flare::encode_entry(entry, bytes.data() + at);
  }
  return bytes;
}

void write_segment(std::string_view bytes) {
  const auto path = folder() / flare::LogSegment::file_name(flare::Sequence{1});
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(file >= 0 && flare::write_at(file, bytes, 0) == 0);
  ::close(file);
}

std::size_t entries_shown(const flare::UpdateLog& log, flare::Sequence after) {
  std::size_t count = 0;
  require(log.visit(after, [&](const flare::LogEntry&) { ++count; }).has_value());
  return count;
}

std::size_t entries_read(const flare::UpdateLog& log, flare::Sequence after) {
  std::size_t count = 0;
  while (after < log.written()) {
    std::string bytes;
    const auto last = log.read(after, 100, bytes);
    require(last && *last > after);
    for (std::string_view rest = bytes; !rest.empty(); ++count) {
      const auto entry = flare::decode_entry(rest);
      require(entry.has_value());
      rest.remove_prefix(entry->bytes);
    }
    after = *last;
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const auto choice = flare::fuzz::take_choice(bytes);
  const int good = choice % 4;
  std::string segment = choice & 4 ? std::string{} : flare::encode_segment_header(header) + good_entries(good);
  write_segment(segment.append(bytes));

  std::size_t shown = 0;
  const flare::UpdateLog::Options options{.folder = folder(), .bytes_max = 1 << 20, .reserve = {}};
  const auto log = flare::UpdateLog::open(options, [&](const flare::LogEntry&) { ++shown; });
  if (!log) {
    require(!log.error().empty());
    return 0;
  }
  if (!(choice & 4)) require(shown >= static_cast<std::size_t>(good));
  const flare::Sequence before{flare::raw((*log)->first()) - 1};
  require(entries_shown(**log, before) == shown && entries_read(**log, before) == shown);

  flare::LogEntry entry;
  entry.key = "k";
  const auto given = (*log)->append(entry);
  require(given && *given == (*log)->last() && (*log)->write().has_value());
  require(entries_shown(**log, before) == shown + 1 && entries_read(**log, before) == shown + 1);
  return 0;
}
