#include "flared/storage/correction.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "flared/storage/file_tools.h"
#include "flared/storage/log_codec.h"
#include "flared/storage/log_segment.h"

namespace flare {
namespace {

std::filesystem::path path_of(const std::filesystem::path& log_folder, CorrectionStage stage) {
  return log_folder / (stage == CorrectionStage::due ? "correction" : "corrected");
}

void append_entry(std::string& bytes, const LogEntry& entry) {
  const auto at = bytes.size();
  bytes.resize(at + encoded_bytes(entry));
  encode_entry(entry, bytes.data() + at);
}

// The file's mapped bytes; nothing if it cannot be read.
struct OpenFile {
  explicit OpenFile(const std::filesystem::path& path) : file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (file && ::fstat(file.get(), &status) == 0) {
      mapped.emplace(file.get(), static_cast<std::uint64_t>(status.st_size));
    }
  }
  bool good() const { return mapped && !mapped->failed(); }

  FileDescriptor file;
  std::optional<MappedFile> mapped;
};

// Written beside and renamed: whoever has the old file open keeps it.
int replace_by_front(const std::filesystem::path& path, std::string_view bytes) {
  auto beside = path;
  beside += ".tmp";  // removed by the next start
  const FileDescriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  int error = file ? write_at(file.get(), bytes, 0) : errno;
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(beside.c_str());
  return error;
}

// The end of the entry `last`; nullopt: it is not there.
std::optional<std::uint64_t> end_of_entry(std::string_view bytes, std::uint64_t at, Sequence last) {
  while (at < bytes.size()) {
    const auto head = decode_entry_head(bytes.substr(at));
    if (!head || head->sequence > last || head->bytes > bytes.size() - at) return std::nullopt;
    at += head->bytes;
    if (head->sequence == last) return at;
  }
  return std::nullopt;
}

int cut_segment(const std::filesystem::path& path, const Position& last) {
  const OpenFile open{path};
  if (!open.good()) return EIO;
  const auto bytes = open.mapped->bytes();
  const auto header = decode_segment_header(bytes);
  if (!header || header->header.log_id != last.log_id) return EIO;
  if (header->header.first == next(last.sequence)) {  // its epoch may be of what is cut off
    auto begun = header->header;
    begun.epoch = last.epoch;
    return replace_by_front(path, encode_segment_header(begun));
  }
  const auto end = end_of_entry(bytes, header->bytes, last.sequence);
  if (!end) return EIO;
  // Also where nothing is cut off: an UpdateLog that is still open cuts its newest file to its own size at its end.
  return replace_by_front(path, bytes.substr(0, *end));
}

}  // namespace

void Correction::put(std::string_view key, const RecordView& record) {
  append_entry(entries, {.kind = EntryKind::set,
                         .key = key,
                         .version = record.version,
                         .flags = record.flags,
                         .expire_s = record.expire_s,
                         .data = record.data});
}

void Correction::put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) {
  append_entry(entries, {.kind = EntryKind::remove, .key = key, .version = version, .expire_s = hold_until_s});
}

std::vector<LogEntry> entries_of(const Correction& correction) {
  std::vector<LogEntry> entries;
  for (std::string_view rest{correction.entries}; !rest.empty();) {
    const auto decoded = decode_entry(rest);
    if (!decoded) return {};
    entries.push_back(decoded->entry);
    rest.remove_prefix(decoded->bytes);
  }
  return entries;
}

InexactKeys inexact_keys_of(const Correction& correction) {
  InexactKeys inexact{correction.exact_at, {}};
  for (const auto& entry : entries_of(correction)) inexact.keys.emplace_back(entry.key);
  return inexact;
}

// Its first bytes are a segment's header, with the sequence of `exact_at` as the only row of its table.
int write_correction(const std::filesystem::path& log_folder, const Correction& correction) {
  auto bytes = encode_segment_header({.log_id = correction.common.log_id,
                                      .first = correction.common.sequence,
                                      .epoch = correction.common.epoch,
                                      .epochs = {{Epoch{0}, correction.exact_at}}});
  bytes += correction.entries;
  const int error = replace_file(path_of(log_folder, CorrectionStage::due), bytes);
  if (error != 0) withdraw_correction(log_folder);  // it may have got its name all the same
  return error;
}

void withdraw_correction(const std::filesystem::path& log_folder) {
  ::unlink(path_of(log_folder, CorrectionStage::due).c_str());
  sync_folder(log_folder);
}

int mark_corrected(const std::filesystem::path& log_folder) {
  const auto from = path_of(log_folder, CorrectionStage::due);
  if (::rename(from.c_str(), path_of(log_folder, CorrectionStage::done).c_str()) != 0) return errno;
  return sync_folder(log_folder);
}

std::optional<Correction> read_correction(const std::filesystem::path& log_folder, CorrectionStage stage) {
  const OpenFile open{path_of(log_folder, stage)};
  if (!open.good()) return std::nullopt;
  const auto header = decode_segment_header(open.mapped->bytes());
  if (!header || header->header.epochs.size() != 1) return std::nullopt;
  const auto& [log_id, sequence, epoch, rows] = header->header;
  Correction correction{{log_id, epoch, sequence}, rows.front().last, {}};
  correction.entries = open.mapped->bytes().substr(header->bytes);
  return correction;
}

void remove_corrected(const std::filesystem::path& log_folder) {
  ::unlink(path_of(log_folder, CorrectionStage::done).c_str());
}

// The newest first: what is left is a log without a gap at any moment.
int cut_log(const std::filesystem::path& log_folder, const Position& last) {
  std::error_code failed;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry{log_folder, failed}, end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() == ".log") names.push_back(entry->path().filename().native());
  }
  if (failed) return failed.value();
  std::sort(names.begin(), names.end(), std::greater<>{});  // first sequences of equal width
  const auto first_gone = LogSegment::file_name(next(last.sequence));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = log_folder / names[i];
    const bool is_oldest = i + 1 == names.size();
    if (names[i] > first_gone || (names[i] == first_gone && !is_oldest)) {
      if (is_oldest) return EIO;  // the log does not reach back
      if (::unlink(path.c_str()) != 0) return errno;
      continue;
    }
    return cut_segment(path, last);
  }
  return EIO;
}

}  // namespace flare
