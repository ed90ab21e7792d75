#include "flared/snapshot/snapshot_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "common/base/limits.h"
#include "flared/replication/stream_checksum.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/log_codec.h"

namespace flare::snapshot {
namespace {

// The line that `bytes` begin with, without its end; nullopt: there is no whole one.
std::optional<std::string_view> first_line(std::string_view bytes) {
  const auto end = bytes.substr(0, limits::line_bytes_max).find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(0, end);
}

/// What may follow what, and what must hold of it.
class Parts {
 public:
  Parts(Facts& facts, Visitor& visitor) : facts_(facts), visitor_(visitor) {}

  Result<void, std::string> take(const stream::Decoded& decoded) {
    return std::visit([&](const auto& message) { return on(message, decoded.raw); }, decoded.message);
  }
  bool complete() const { return stage_ == Stage::entries; }

 private:
  enum class Stage { begin, records, entries };

  Result<void, std::string> on(const stream::SnapshotBegin& begin, std::string_view) {
    if (stage_ != Stage::begin) return out_of_place("SNAPSHOT");
    stage_ = Stage::records;
    facts_.begin = facts_.end = begin.position;
    facts_.epochs = begin.epochs;
    return visitor_.begin(facts_.head, begin);
  }
  Result<void, std::string> on(const stream::Record& record, std::string_view bytes) {
    if (stage_ != Stage::records) return out_of_place("RECORD");
    ++facts_.records;
    checksum_.add(bytes);
    return visitor_.record(record.key, record.record);
  }
  Result<void, std::string> on(const stream::Deleted& deleted, std::string_view bytes) {
    if (stage_ != Stage::records) return out_of_place("DELETED");
    ++facts_.deletions;
    checksum_.add(bytes);
    return visitor_.deletion(deleted);
  }
  Result<void, std::string> on(const stream::SnapshotEnd& end, std::string_view) {
    if (stage_ != Stage::records) return out_of_place("SNAPSHOT-END");
    if (end.count != facts_.records + facts_.deletions || end.checksum != checksum_.value()) {
      return std::string{"is damaged: its records are not those that were written"};
    }
    stage_ = Stage::entries;
    return {};
  }
  Result<void, std::string> on(const stream::Entry& message, std::string_view) {
    const auto& entry = message.entry;
    if (stage_ != Stage::entries) return out_of_place("an entry");
    if (entry.sequence != next(facts_.end.sequence) || entry.epoch < facts_.end.epoch) {
      return fmt::format("is damaged: entry {} does not follow {}", raw(entry.sequence), raw(facts_.end.sequence));
    }
    ++facts_.entries;
    facts_.end.epoch = entry.epoch;
    facts_.end.sequence = entry.sequence;
    note_epoch(facts_.epochs, entry.epoch, entry.sequence);
    return visitor_.entry(entry);
  }
  template <class Other>
  Result<void, std::string> on(const Other&, std::string_view) {
    return out_of_place("a message of the replication stream");
  }
  static std::string out_of_place(std::string_view what) { return fmt::format("is damaged: {} out of place", what); }

  Facts& facts_;
  Visitor& visitor_;
  Stage stage_ = Stage::begin;
  stream::Checksum checksum_;
};

// `rest` begins with the last line.
Result<void, std::string> check_end(std::string_view rest, std::uint64_t checksum, const Facts& facts) {
  const auto line = first_line(rest);
  if (!line) return std::string{"is cut off in its last line"};
  const auto end = parse_end(*line);
  if (!end) return end.error();
  if (line->size() + 2 != rest.size()) return std::string{"has bytes behind its last line"};
  if (end->checksum != checksum || end->entries != facts.entries || end->epoch != facts.end.epoch ||
      end->sequence != facts.end.sequence) {
    return std::string{"is damaged: its checksum or its count is wrong"};
  }
  return {};
}

class Nobody final : public Visitor {
 public:
  Result<void, std::string> record(std::string_view, const RecordView&) override { return {}; }
  Result<void, std::string> deletion(const stream::Deleted&) override { return {}; }
  Result<void, std::string> entry(const LogEntry&) override { return {}; }
};

}  // namespace

Result<Facts, std::string> read(std::string_view bytes, std::size_t data_bytes_max, Visitor& visitor) {
  const auto line = first_line(bytes);
  if (!line) return std::string{"is no snapshot: it has no first line"};
  auto head = parse_head(*line);
  if (!head) return head.error();
  Facts facts;
  facts.head = std::move(*head);
  facts.bytes = bytes.size();
  stream::Checksum checksum;
  checksum.add(bytes.substr(0, line->size() + 2));
  auto rest = bytes.substr(line->size() + 2);
  stream::Decoder decoder{data_bytes_max};
  Parts parts{facts, visitor};
  while (!is_end(rest)) {
    const auto decoded = decoder.next(rest);
    if (!decoded)
      return fmt::format("is damaged after {} bytes: {}", bytes.size() - rest.size(), to_text(decoded.error()));
    if (!*decoded) return fmt::format("is cut off after {} bytes", bytes.size() - rest.size());
    if (const auto taken = parts.take(**decoded); !taken) return taken.error();
    checksum.add((*decoded)->raw);
  }
  if (!parts.complete()) return std::string{"is damaged: it ends before its records do"};
  if (const auto checked = check_end(rest, checksum.value(), facts); !checked) return checked.error();
  return facts;
}

Result<Facts, std::string> verify(std::string_view bytes, std::size_t data_bytes_max) {
  Nobody nobody;
  return read(bytes, data_bytes_max, nobody);
}

Result<Facts, std::string> read_file(const std::filesystem::path& path, std::size_t data_bytes_max, Visitor& visitor) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fmt::format("{}: cannot be opened: {}", path.string(), error_text(errno));
  }
  const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
  if (mapped.failed()) return fmt::format("{}: cannot be read: {}", path.string(), error_text(errno));
  auto facts = read(mapped.bytes(), data_bytes_max, visitor);
  if (!facts) return fmt::format("{}: {}", path.string(), facts.error());
  return facts;
}

Result<Facts, std::string> verify_file(const std::filesystem::path& path, std::size_t data_bytes_max) {
  Nobody nobody;
  return read_file(path, data_bytes_max, nobody);
}

Result<Head, std::string> read_file_head(const std::filesystem::path& path) {
  const auto begin = read_small_file(path);
  if (!begin) return fmt::format("{}: cannot be read", path.string());
  const auto line = first_line(*begin);
  auto head = line ? parse_head(*line) : Result<Head, std::string>{std::string{"is no snapshot: it has no first line"}};
  if (!head) return fmt::format("{}: {}", path.string(), head.error());
  return head;
}

}  // namespace flare::snapshot
