#pragma once

#include <kchashdb.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "flared/storage/kyoto_storage.h"

/// What storage_benchmark compares: stores of the same records, each in a folder of its own that goes with it.
namespace flare::benchmark {

constexpr std::int64_t now_s = 1'700'000'000;
constexpr std::size_t data_bytes = 100;
constexpr std::size_t record_bytes_max = record_header_bytes + data_bytes;

/// FLARE_BENCH_RECORDS; a million without it.
std::uint64_t record_count();

/// The default, or FLARE_BENCH_VOLUME writes between two checkpoints.
CheckpointPace checkpoint_pace();

/// The key of a record, without allocation.
class Key {
 public:
  explicit Key(std::uint64_t number);
  std::string_view text() const { return {bytes_, size_}; }

 private:
  char bytes_[24];
  std::size_t size_ = 0;
};

class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The library alone, tuned as we tune it: no log, no checkpoint, nothing that survives a kill.
class BareStore {
 public:
  BareStore();
  ~BareStore() { db_.close(); }
  void begin() {}
  void end() {}
  bool get(std::string_view key) {
    char bytes[record_bytes_max];
    return db_.get(key.data(), key.size(), bytes, sizeof bytes) >= 0;
  }
  bool set(std::string_view key) { return db_.set(key.data(), key.size(), record_.data(), record_.size()); }

 private:
  Folder folder_;
  std::string record_ = std::string(record_bytes_max, 'x');
  kyotocabinet::HashDB db_;
};

/// The store of flared with log and checkpoints, as a worker uses it.
class LoggedStore {
 public:
  explicit LoggedStore(CheckpointPace pace = checkpoint_pace());
  ~LoggedStore();
  void begin() { batch_begin(); }
  void end() { batch_end(); }
  bool get(std::string_view key);
  bool set(std::string_view key);
  Storage& storage() { return *storage_; }

 private:
  class SilentLog final : public Log {
   public:
    void write(Level level, std::string_view text) override;
  };
  class FixedClock final : public Clock {
   public:
    std::int64_t unix_s() const override { return now_s; }
    std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
  };
  void batch_begin();
  void batch_end();

  Folder folder_;
  SilentLog log_;
  FixedClock clock_;
  std::string data_ = std::string(data_bytes, 'x');
  std::unique_ptr<Storage> storage_;
};

}  // namespace flare::benchmark
