#include "flare_backup/export.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "flare_backup/dump_text.h"
#include "flared/snapshot/snapshot_reader.h"

namespace flare::backup {
namespace {

constexpr std::size_t data_bytes_max = std::size_t{1} << 31;

/// What the entries behind the scan leave of a key.
struct Last {
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;
  RecordVersion version{0};
  std::string data;
};

class Entries final : public snapshot::Visitor {
 public:
  Result<void, std::string> record(std::string_view, const RecordView&) override { return {}; }
  Result<void, std::string> deletion(const stream::Deleted&) override { return {}; }
  Result<void, std::string> entry(const LogEntry& entry) override {
    if (entry.kind == EntryKind::flush) {
      by_key.clear();
      flushed = true;
      return {};
    }
    auto& last = by_key[std::string{entry.key}];
    last.reset();
    if (entry.kind == EntryKind::remove) return {};
    last = Last{entry.flags, entry.expire_s, entry.version, std::string{entry.data}};
    return {};
  }
  std::map<std::string, std::optional<Last>, std::less<>> by_key;  // nullopt: removed
  bool flushed = false;
};

class Lines final : public snapshot::Visitor {
 public:
  Lines(const Entries& entries, std::FILE* out) : entries_(entries), out_(out) {}
  Result<void, std::string> record(std::string_view key, const RecordView& record) override {
    if (entries_.flushed || entries_.by_key.contains(key)) return {};
    return write(key, record);
  }
  Result<void, std::string> deletion(const stream::Deleted&) override { return {}; }
  Result<void, std::string> entry(const LogEntry&) override { return {}; }

  Result<void, std::string> write(std::string_view key, const RecordView& record) {
    line_.clear();
    append_dump_line(line_, key, record);
    if (std::fwrite(line_.data(), 1, line_.size(), out_) != line_.size())
      return std::string{"the text cannot be written"};
    ++count;
    return {};
  }
  std::uint64_t count = 0;

 private:
  const Entries& entries_;
  std::FILE* out_;
  std::string line_;
};

}  // namespace

Result<std::uint64_t, std::string> export_text(const std::filesystem::path& file, std::FILE* out) {
  Entries entries;
  if (const auto read = snapshot::read_file(file, data_bytes_max, entries); !read) return read.error();
  Lines lines{entries, out};
  if (const auto read = snapshot::read_file(file, data_bytes_max, lines); !read) return read.error();
  for (const auto& [key, last] : entries.by_key) {
    if (!last) continue;
    if (const auto written = lines.write(key, {last->flags, last->expire_s, last->version, last->data}); !written) {
      return written.error();
    }
  }
  if (std::fflush(out) != 0) return std::string{"the text cannot be written"};
  return lines.count;
}

}  // namespace flare::backup
