#pragma once

#include <kchashdb.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "unit/storage/storage_helpers.h"

/// An original's store, played by the library alone, from docs/spec/protocol.md 7.
namespace flare {

struct OriginalOptions {
  std::string name;
  std::int64_t buckets = 131071;
  int alignment = 4;
  bool large = false;
  bool compressed = false;
};

/// flare.kch as an original opens it.
class Original {
 public:
  using Database = kyotocabinet::HashDB;

  Original(const std::filesystem::path& path, const OriginalOptions& options) {
    db_.tune_alignment(static_cast<std::int8_t>(options.alignment));
    db_.tune_fbp(10);
    db_.tune_buckets(options.buckets);
    auto flags = Database::TLINEAR | (options.large ? 0 : Database::TSMALL);
    if (options.compressed) flags |= Database::TCOMPRESS;
    if (options.compressed) db_.tune_compressor(&lzo_);
    db_.tune_options(static_cast<std::int8_t>(flags));
    opened_ = db_.open(path.string(), Database::OWRITER | Database::OCREATE);
  }
  ~Original() { db_.close(); }
  Original(const Original&) = delete;
  Original& operator=(const Original&) = delete;

  bool opened() const { return opened_; }
  std::string error() { return db_.error().message(); }
  std::int64_t count() { return db_.count(); }
  bool set(const std::string& key, std::uint32_t flags, std::int64_t expire_s, std::uint64_t version,
           const std::string& data) {
    const std::uint64_t size = data.size();
    std::string record(28, '\0');
    std::memcpy(record.data(), &flags, 4);
    std::memcpy(record.data() + 4, &expire_s, 8);
    std::memcpy(record.data() + 12, &size, 8);
    std::memcpy(record.data() + 20, &version, 8);
    return db_.set(key, record + data);
  }
  /// All records, as `dump` and `dump_key` of an original go through them.
  Contents records() {
    Contents found;
    const std::unique_ptr<Database::Cursor> cursor{db_.cursor()};
    std::string key;
    std::string bytes;
    for (cursor->jump(); cursor->get(&key, &bytes, true);) found[key] = text_of(bytes);
    return found;
  }

 private:
  static std::string text_of(const std::string& bytes) {
    std::uint32_t flags = 0;
    std::int64_t expire_s = 0;
    std::uint64_t size = 0;
    std::uint64_t version = 0;
    if (bytes.size() < 28) return "too short";
    std::memcpy(&flags, bytes.data(), 4);
    std::memcpy(&expire_s, bytes.data() + 4, 8);
    std::memcpy(&size, bytes.data() + 12, 8);
    std::memcpy(&version, bytes.data() + 20, 8);
    if (bytes.size() != 28 + size) return "of another length";
    return fmt::format("{} {} {} {}", flags, expire_s, version, bytes.substr(28));
  }

  kyotocabinet::LZOCompressor<kyotocabinet::LZO::RAW> lzo_;
  Database db_;
  bool opened_ = false;
};

}  // namespace flare
