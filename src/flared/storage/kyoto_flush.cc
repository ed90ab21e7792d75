#include <unistd.h>

#include <charconv>

#include "flared/storage/file_tools.h"
#include "flared/storage/fresh_store.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

/// flush_all (docs/design.md 3.7): a new empty file is swapped in, the old store and log are kept aside for a while.
namespace flare {
namespace {

constexpr std::string_view store_prefix = "flare.kch.flushed-";
constexpr std::string_view log_prefix = "log.flushed-";

// The time in the name of what a flush has kept; nullopt for other names.
std::optional<std::int64_t> flushed_at(std::string_view name) {
  const auto prefix = name.starts_with(store_prefix) ? store_prefix : log_prefix;
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::int64_t time_s = 0;
  if (std::from_chars(name.data(), name.data() + name.size(), time_s).ec != std::errc{}) return std::nullopt;
  return time_s;
}

}  // namespace

Result<void, StorageError> KyotoStorage::flush_locked(std::optional<LogEntry> numbered) {
  if (health_ != Health::good && !checkpoint_locked()) return write_refusal();
  const auto wanted = next(log_->last());
  if (numbered && (numbered->sequence != wanted || numbered->epoch < log_->epoch())) return StorageError::sequence_gap;
  if (!checkpoint_locked()) return write_refusal();

  // All that can fail comes before the entry is numbered.
  const auto kept = free_flushed_name();
  if (const auto rolled = log_->roll(); !rolled) return rolled.error();
  if (const int error = log_->link_into(path((std::string{log_prefix} + kept).c_str())))
    return storage_failure(error, "log");
  auto prepared = prepare_empty(wanted);
  const auto logged = !prepared  ? Result<void, StorageError>{prepared.error()}
                      : numbered ? log_->append_numbered(*numbered)
                                 : append_flush();
  if (!logged) {
    std::error_code error;
    std::filesystem::remove_all(path((std::string{log_prefix} + kept).c_str()), error);
    return logged.error() == StorageError::out_of_space ? no_space() : logged.error();
  }
  if (const auto written = log_->write(); !written) return written.error();
  if (!swap_in_empty(**prepared, kept)) return StorageError::io;
  drop_flushed();
  return {};
}

Result<void, StorageError> KyotoStorage::append_flush() {
  const auto given = log_->append({.kind = EntryKind::flush, .key = {}, .data = {}});
  if (!given) return given.error();
  return {};
}

bool KyotoStorage::replay_flush(Sequence sequence) {
  const auto prepared = prepare_empty(sequence);
  return prepared && swap_in_empty(**prepared, free_flushed_name());
}

// `flare.kch.flush`, standing at `sequence`.
Result<std::unique_ptr<FreshStore>, StorageError> KyotoStorage::prepare_empty(Sequence sequence) {
  auto fresh = FreshStore::begin(path("flare.kch.flush"), options_, 0);
  if (!fresh) {
    logger_.error("{}", fresh.error().text);
    return fresh.error().no_room ? StorageError::out_of_space : StorageError::io;
  }
  if (!(*fresh)->close({.log_id = log_->log_id(), .sequence = sequence})) return StorageError::io;
  return std::move(*fresh);
}

// A kill between any two steps leaves a store that the log fits: the old one before the flush entry, or the new one at
// it.
bool KyotoStorage::swap_in_empty(FreshStore& fresh, const std::string& kept) {
  ++generation_;
  if (!store_->commit(store_->place()) || !store_->close()) return fail("closing the flushed store");
  const auto store = path("flare.kch");
  if (::link(store.c_str(), path((std::string{store_prefix} + kept).c_str()).c_str()) != 0) {
    logger_.warning("{}: cannot be kept aside: {}", store.string(), error_text(errno));
  }
  if (fresh.take_name(store) != 0) return fail("swapping in an empty store");
  if (const int error = sync_folder(options_.data_dir)) {
    logger_.warning("{}: cannot be synced: {}", options_.data_dir.string(), error_text(error));
  }
  deletions_.clear();  // protocol.md 2: versions begin at 1 again
  if (!open_swapped()) return false;
  recount();
  return true;
}

bool KyotoStorage::open_swapped() {
  auto opened = HashStore::open(path("flare.kch"), options_, HashStore::Mode::adopt);
  if (!opened) {
    logger_.error("{}", opened.error());
    return fail("opening the store that was swapped in");
  }
  set_files({.store = std::move(*opened), .log = log_});
  return begin_locked();
}

std::string KyotoStorage::free_flushed_name() const {
  const auto now = std::to_string(clock_.unix_s());
  auto name = now;
  std::error_code error;
  for (int number = 2; std::filesystem::exists(path((std::string{log_prefix} + name).c_str()), error) ||
                       std::filesystem::exists(path((std::string{store_prefix} + name).c_str()), error);
       ++number) {
    name = now + '-' + std::to_string(number);
  }
  return name;
}

void KyotoStorage::drop_flushed() {
  std::error_code error;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator entry{options_.data_dir, error}, end; !error && entry != end;
       entry.increment(error)) {
    const auto time_s = flushed_at(entry->path().filename().native());
    if (time_s && *time_s + options_.flush_keep_s <= clock_.unix_s()) old.push_back(entry->path());
  }
  for (const auto& gone : old) std::filesystem::remove_all(gone, error);
}

// design.md 3.7: what flushes have kept stays until the disk reserve is touched.
void KyotoStorage::make_room() {
  if (!disk_full_) return;
  std::error_code error;
  std::vector<std::filesystem::path> kept;
  for (std::filesystem::directory_iterator entry{options_.data_dir, error}, end; !error && entry != end;
       entry.increment(error)) {
    if (flushed_at(entry->path().filename().native())) kept.push_back(entry->path());
  }
  for (const auto& gone : kept) std::filesystem::remove_all(gone, error);
  if (!kept.empty()) {
    logger_.warning("{}: what flushes have kept aside was removed to make room on the disk",
                    options_.data_dir.string());
  }
}

StorageError KyotoStorage::storage_failure(int error, const char* file) {
  logger_.error("{}: {}", path(file).string(), error_text(error));
  return means_out_of_space(error) ? StorageError::out_of_space : StorageError::io;
}

}  // namespace flare
