#include "storage_benchmark/stores.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <stdexcept>

namespace flare::benchmark {
namespace {

constexpr std::int64_t buckets_per_record = 2;
constexpr std::uint64_t records_default = 1'000'000;

// What a get does with a record: a copy of its bytes.
class CopyingSink final : public RecordSink {
 public:
  void record(std::string_view, const RecordView& record) override {
    std::memcpy(bytes_, record.data.data(), std::min(record.data.size(), sizeof bytes_));
  }

 private:
  char bytes_[record_bytes_max];
};

// A worker's turn: each thread holds the gate for its own.
thread_local std::optional<Storage::Batch> turn;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("storage_benchmark: " + what);
}

}  // namespace

std::uint64_t record_count() {
  static const std::uint64_t count = [] {
    const char* text = std::getenv("FLARE_BENCH_RECORDS");
    return text == nullptr ? records_default : std::max<std::uint64_t>(1, std::strtoull(text, nullptr, 10));
  }();
  return count;
}

CheckpointPace checkpoint_pace() {
  CheckpointPace pace;
  if (const char* text = std::getenv("FLARE_BENCH_VOLUME")) {
    pace.volume_max = std::max<std::uint64_t>(1, std::strtoull(text, nullptr, 10));
  }
  return pace;
}

Key::Key(std::uint64_t number) {
  std::memcpy(bytes_, "key-", 4);
  size_ = static_cast<std::size_t>(std::to_chars(bytes_ + 4, bytes_ + sizeof bytes_, number).ptr - bytes_);
}

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "flare-benchmark-XXXXXX";
  require(::mkdtemp(name.data()) != nullptr, "no folder can be made in " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

BareStore::BareStore() {
  const StorageOptions ours;
  db_.tune_alignment(static_cast<int8_t>(ours.alignment));
  db_.tune_options(kyotocabinet::HashDB::TLINEAR);
  db_.tune_buckets(static_cast<std::int64_t>(record_count()) * buckets_per_record);
  db_.tune_map(ours.map_bytes);
  const auto path = (folder_.path() / "bare.kch").string();
  require(db_.open(path, kyotocabinet::HashDB::OWRITER | kyotocabinet::HashDB::OCREATE), path + " does not open");
  for (std::uint64_t number = 0; number < record_count(); ++number) require(set(Key{number}.text()), "a set failed");
}

void LoggedStore::SilentLog::write(Level level, std::string_view text) {
  if (level == Level::error) std::cerr << text << '\n';
}

LoggedStore::LoggedStore(CheckpointPace pace) {
  StorageOptions options{.data_dir = folder_.path()};
  options.buckets = static_cast<std::int64_t>(record_count()) * buckets_per_record;
  options.checkpoint_pace = pace;
  auto opened = KyotoStorage::open(options, log_, clock_);
  require(opened.has_value(), opened ? "" : opened.error().text);
  storage_ = std::move(*opened);
  for (std::uint64_t number = 0; number < record_count(); ++number) {
    begin();
    require(set(Key{number}.text()), "a set failed");
    end();
  }
}

LoggedStore::~LoggedStore() { std::ignore = storage_->close(); }

void LoggedStore::batch_begin() { turn.emplace(*storage_); }
void LoggedStore::batch_end() {
  require(storage_->write_log().has_value(), "the log cannot be written");
  turn.reset();
}

bool LoggedStore::get(std::string_view key) {
  CopyingSink sink;
  const auto found = storage_->get(key, now_s, sink);
  return found && *found;
}

bool LoggedStore::set(std::string_view key) {
  const auto outcome = storage_->execute({.kind = OperationKind::set, .key = key, .data = data_}, now_s, nullptr);
  return outcome && outcome->kind == OutcomeKind::stored;
}

}  // namespace flare::benchmark
