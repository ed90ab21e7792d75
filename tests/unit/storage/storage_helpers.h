#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/storage/log_codec.h"

/// What the storage's tests share.
namespace flare {

constexpr std::int64_t now_s = 1'700'000'000;

class TempFolder {
 public:
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "flare-storage-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class CollectedLog final : public Log {
 public:
  void write(Level, std::string_view text) override {
    const std::lock_guard lock{mutex_};
    text_ += text;
    text_ += '\n';
  }
  std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class FixedClock final : public Clock {
 public:
  std::int64_t unix_s() const override { return now_s; }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
};

/// key -> "flags expire version data".
using Contents = std::map<std::string, std::string>;

class CollectingSink final : public RecordSink {
 public:
  void record(std::string_view key, const RecordView& record) override {
    contents[std::string{key}] =
        fmt::format("{} {} {} {}", record.flags, record.expire_s, raw(record.version), record.data);
  }
  Contents contents;
};

inline Contents contents_of(Storage& storage) {
  CollectingSink sink;
  const auto scan = storage.begin_scan();
  if (!scan) return {{"no scan", ""}};
  while (true) {
    const auto more = (*scan)->next_slice(sink);
    if (!more) return {{"scan failed", ""}};
    if (!*more) return sink.contents;
  }
}

/// One write in a batch of its own; the log is written.
inline Result<Outcome, StorageError> run(Storage& storage, const Operation& operation, RecordSink* sink = nullptr) {
  const Storage::Batch batch{storage};
  auto outcome = storage.execute(operation, now_s, sink);
  if (const auto written = storage.write_log(); !written) return written.error();
  return outcome;
}

inline void set(Storage& storage, std::string_view key, std::string_view data) {
  const auto outcome = run(storage, {.kind = OperationKind::set, .key = key, .data = data});
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->kind, OutcomeKind::stored);
}

/// The record as text, "-" if there is none.
inline std::string get(Storage& storage, std::string_view key) {
  CollectingSink sink;
  const Storage::Batch batch{storage};
  const auto found = storage.get(key, now_s, sink);
  if (!found) return "error";
  return *found ? sink.contents.begin()->second : "-";
}

struct OwnedEntry {
  LogEntry entry;
  std::string key;
  std::string data;
};

/// All entries after `after`, decoded; empty if the log does not reach back.
inline std::vector<OwnedEntry> log_after(const Storage& storage, Sequence after, std::size_t together_bytes = 1000) {
  std::vector<OwnedEntry> entries;
  while (true) {
    std::string bytes;
    const auto last = storage.read_log(after, together_bytes, bytes);
    if (!last || bytes.empty()) return entries;
    after = *last;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto decoded = decode_entry(rest);
      if (!decoded) return {};
      entries.push_back({decoded->entry, std::string{decoded->entry.key}, std::string{decoded->entry.data}});
      rest.remove_prefix(decoded->bytes);
    }
  }
}

inline Result<void, StorageError> apply(Storage& storage, const OwnedEntry& owned) {
  auto entry = owned.entry;
  entry.key = owned.key;
  entry.data = owned.data;
  const Storage::Batch batch{storage};
  const auto applied = storage.apply(entry);
  if (const auto written = storage.write_log(); !written) return written.error();
  return applied;
}

/// A data-dir with what a KyotoStorage needs.
struct KyotoFolder {
  TempFolder folder;
  CollectedLog log;
  FixedClock clock;
  StorageOptions options{.data_dir = folder.path(), .buckets = 4096};

  std::unique_ptr<KyotoStorage> open() {
    auto opened = KyotoStorage::open(options, log, clock);
    failure = opened ? "" : opened.error().text;
    return opened ? std::move(*opened) : nullptr;
  }
  std::filesystem::path path(std::string_view name) const { return folder.path() / name; }
  std::string failure;
};

}  // namespace flare
