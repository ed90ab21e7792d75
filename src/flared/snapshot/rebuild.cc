#include "flared/snapshot/rebuild.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "flared/replication/storage_failure.h"
#include "flared/snapshot/building.h"
#include "flared/snapshot/kch_scan.h"
#include "flared/snapshot/local_snapshots.h"
#include "flared/snapshot/log_remains.h"
#include "flared/snapshot/snapshot_reader.h"
#include "flared/snapshot/take_snapshot.h"
#include "flared/storage/clean_mark.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_storage.h"

namespace flare::snapshot {
namespace {

namespace fs = std::filesystem;

// Nothing else tells a rebuild that was done from one that was broken off.
fs::path complete_mark(const fs::path& data_dir) { return data_dir / "rebuild" / "complete"; }

/// An entry that outlives the file it was read from.
struct Kept {
  LogEntry entry;
  std::string key;
  std::string data;

  explicit Kept(const LogEntry& from) : entry(from), key(from.key), data(from.data) {}
  LogEntry view() const {
    auto view = entry;
    view.key = key;
    view.data = data;
    return view;
  }
};

class IntoBuilding final : public Visitor {
 public:
  explicit IntoBuilding(Building& building) : building_(building) {}
  Result<void, std::string> begin(const Head&, const stream::SnapshotBegin& begin) override {
    epochs = begin.epochs;
    return {};
  }
  Result<void, std::string> record(std::string_view key, const RecordView& record) override {
    return building_.put(key, record);
  }
  Result<void, std::string> deletion(const stream::Deleted& deleted) override {
    building_.put_deletion(deleted.key, deleted.version, deleted.hold_until_s);
    return {};
  }
  Result<void, std::string> entry(const LogEntry& entry) override {
    entries.emplace_back(entry);
    return {};
  }
  EpochTable epochs;
  std::vector<Kept> entries;  // written while the snapshot was taken: few

 private:
  Building& building_;
};

/// All of one rebuild.
class Rebuild {
 public:
  Rebuild(const StorageOptions& options, const Head& head, Log& log, const Clock& clock)
      : options_(options), head_(head), log_(log), clock_(clock) {}

  Result<Rebuilt, std::string> run() {
    auto done = from_snapshots();
    if (!done) return done.error();
    if (!*done) {
      if (auto salvaged = salvage(); !salvaged) return salvaged.error();
    }
    return rebuilt_;
  }

 private:
  // Whether one of the local snapshots and the log behind it made a store.
  Result<bool, std::string> from_snapshots() {
    const auto remains = read_log_remains(log_folder(), [](const LogEntry&, bool) {});
    for (const auto& local : list_local(options_.data_dir)) {
      if (local.log_id != remains.log_id || next(local.sequence) < remains.first) continue;
      auto building = Building::begin(options_, log_, clock_);
      if (!building) return building.error();
      const auto facts = load(*building, local);
      if (!facts) {
        log_.error("{}; it is not used", facts.error());
        continue;
      }
      if (auto applied = apply_log(*building, facts->end.sequence); !applied) return applied.error();
      rebuilt_.from_snapshot = true;
      rebuilt_.records = facts->records;
      rebuilt_.discarded_entries = remains.discarded_entries;
      if (auto finished = finish(*building); !finished) return finished.error();
      return true;
    }
    return false;
  }

  Result<Facts, std::string> load(Building& building, const LocalSnapshot& local) {
    IntoBuilding into{building};
    auto facts = read_file(local.path, options_.data_bytes_max, into);
    if (!facts) return facts;
    // The fuzzy scan ends where it began; its entries make it exact.
    const auto& begin = facts->begin;
    if (const auto begun = building.commit(begin.epoch, begin.sequence, into.epochs); !begun) return begun.error();
    for (const auto& entry : into.entries) {
      if (const auto applied = building.apply(entry.view()); !applied) return applied.error();
    }
    return facts;
  }

  Result<void, std::string> apply_log(Building& building, Sequence after) {
    std::string failure;
    read_log_remains(log_folder(), [&](const LogEntry& entry, bool whole) {
      if (!whole || entry.sequence <= after || !failure.empty()) return;
      if (const auto applied = building.apply(entry); !applied) failure = applied.error();
      ++rebuilt_.entries;
    });
    if (!failure.empty()) return failure;
    return {};
  }

  /// The newest that a key's remains say of it.
  struct Newest {
    std::unordered_map<std::string, Kept> by_key;
    std::optional<Sequence> flushed;  // by the last flush_all
    Epoch epoch{0};
  };

  // Each entry is whole by itself, so those behind a gap count too; the gap is told.
  Newest newest_of_log(LogRemains& remains) {
    Newest newest;
    remains = read_log_remains(log_folder(), [&](const LogEntry& entry, bool) {
      ++rebuilt_.entries;
      newest.epoch = std::max(newest.epoch, entry.epoch);
      if (entry.kind == EntryKind::flush) {
        newest.by_key.clear();
        newest.flushed = entry.sequence;
        return;
      }
      newest.by_key.insert_or_assign(std::string{entry.key}, Kept{entry});
    });
    return newest;
  }

  Result<void, std::string> salvage() {
    LogRemains remains;
    const auto newest = newest_of_log(remains);
    auto building = Building::begin(options_, log_, clock_);
    if (!building) return building.error();
    auto& notice = rebuilt_.salvage;
    notice.time_s = clock_.unix_s();
    notice.discarded_entries = remains.discarded_entries;
    auto highest = remains.last;
    if (auto scanned = salvage_store(*building, newest, remains, highest); !scanned) return scanned.error();
    for (const auto& [key, kept] : newest.by_key) {
      highest = std::max(highest, kept.entry.sequence);
      if (newer_in_store_.contains(key)) continue;
      if (auto put = put_newest(*building, kept); !put) return put.error();
    }
    rebuilt_.records = notice.proven + notice.doubtful;
    if (auto committed = building->commit(newest.epoch, highest, remains.epochs); !committed) return committed.error();
    notice.log_id = building->storage().position().log_id;
    if (const int error = replace_file(notice_path(options_.data_dir), format_notice(notice))) {
      return fmt::format("{}: cannot be written: {}", notice_path(options_.data_dir).string(), error_text(error));
    }
    return finish(*building);
  }

  Result<void, std::string> put_newest(Building& building, const Kept& kept) {
    const auto& entry = kept.entry;
    if (entry.kind == EntryKind::remove) {
      building.put_deletion(kept.key, entry.version, entry.expire_s);
      return {};
    }
    ++rebuilt_.salvage.proven;
    return building.put(kept.key, {entry.flags, entry.expire_s, entry.version, kept.data});
  }

  Result<void, std::string> salvage_store(Building& building, const Newest& newest, const LogRemains& remains,
                                          Sequence& highest) {
    const auto path = options_.data_dir / "flare.kch";
    const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
      return fmt::format("{}: cannot be opened: {}", path.string(), error_text(errno));
    }
    const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
    if (mapped.failed()) return fmt::format("{}: cannot be read: {}", path.string(), error_text(errno));
    return merge(building, newest, remains, mapped.bytes(), highest);
  }

  /// The best of a key's places in the store.
  struct Best {
    RecordVersion version{0};
    Proof proof = Proof::loose;
    bool beaten_by(RecordVersion other, Proof by) const {
      const bool loose = proof == Proof::loose;
      return loose == (by == Proof::loose) ? other > version : loose;
    }
  };

  // Of two places of one key the higher version is the newer one; so it is against the log, whose end may be missing.
  Result<void, std::string> merge(Building& building, const Newest& newest, const LogRemains& remains,
                                  std::string_view bytes, Sequence& highest) {
    auto& notice = rebuilt_.salvage;
    const auto header = read_kch_header(bytes);
    if (!header) {
      log_.error("{}: {}; nothing of it can be read", (options_.data_dir / "flare.kch").string(), header.error());
      notice.damaged_bytes = bytes.size();
      return {};
    }
    const bool same_log = header->log_id == remains.log_id;
    if (same_log && newest.flushed && header->sequence < *newest.flushed) return {};  // the store before the flush_all
    if (same_log) highest = std::max(highest, header->sequence);

    std::unordered_set<std::string> in_store;
    std::unordered_map<std::string, Best> seen;  // those of which the log knows nothing newer
    std::string failure;
    const auto scanned = scan_kch(bytes, [&](std::string_view key, const RecordView& record, Proof proof) {
      if (!failure.empty()) return;
      in_store.emplace(key);
      const auto logged = newest.by_key.find(std::string{key});
      if (logged != newest.by_key.end() && logged->second.entry.version >= record.version) return;
      const auto [place, first] = seen.try_emplace(std::string{key}, Best{record.version, proof});
      if (!first && !place->second.beaten_by(record.version, proof)) return;
      place->second = {record.version, proof};
      if (const auto put = building.put(key, record); !put) failure = put.error();
    });
    if (!failure.empty()) return failure;
    notice.damaged_bytes = scanned->damaged_bytes;
    for (const auto& [key, best] : seen) ++(best.proof == Proof::reached ? notice.proven : notice.doubtful);
    for (const auto& [key, best] : seen) newer_in_store_.insert(key);
    // Two estimates of one thing, both too high where a link or the header's page is old: nobody is told less.
    notice.lost =
        std::max(scanned->count - std::min<std::uint64_t>(scanned->count, in_store.size()), scanned->broken_links);
    return {};
  }

  // A new local snapshot comes before the swap: a second stop must not find the store without one.
  Result<void, std::string> finish(Building& building) {
    if (options_.durability != Durability::process) {
      if (auto taken = take_snapshot(building.storage()); !taken) return taken.error();
    }
    if (const auto closed = building.close(); !closed) return closed;
    const auto mark = complete_mark(options_.data_dir);
    if (const int error = replace_file(mark, "complete\n")) {
      return fmt::format("{}: cannot be written: {}", mark.string(), error_text(error));
    }
    return {};
  }

  Result<void, std::string> take_snapshot(Storage& storage) {
    const auto taken = take_local(storage, options_.data_dir, head_, {});
    if (!taken) return taken.error();
    return {};
  }

  // A replacement that was being swapped in may have moved the log aside.
  fs::path log_folder() const {
    std::error_code error;
    const auto log = options_.data_dir / "log";
    return fs::exists(log, error) ? log : options_.data_dir / "log.old";
  }

  const StorageOptions& options_;
  const Head& head_;
  Log& log_;
  const Clock& clock_;
  Rebuilt rebuilt_;
  std::unordered_set<std::string> newer_in_store_;  // than the log knows
};

Result<void, std::string> move_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return fmt::format("{}: cannot be renamed to {}: {}", from.string(), to.string(), error_text(errno));
}

// `rebuild/` goes last: while it is there and complete, this is gone on with.
Result<void, std::string> swap_in(const fs::path& data_dir) {
  const auto inside = data_dir / "rebuild";
  std::error_code error;
  if (fs::exists(inside / "log", error)) {
    fs::remove_all(data_dir / "log.unused", error);
    if (const auto moved = move_over(data_dir / "log", data_dir / "log.unused"); !moved) return moved;
    if (const auto moved = move_over(inside / "log", data_dir / "log"); !moved) return moved;
  }
  if (fs::exists(inside / "flare.kch", error)) {
    const auto undo = data_dir / "flare.kch.wal";  // of the old store: it must not be rolled back into the new one
    fs::remove(undo, error);
    if (error)
      return fmt::format("{}: cannot be removed: {}; remove it and start again", undo.string(), error.message());
  }
  if (const auto moved = move_over(inside / "flare.kch", data_dir / "flare.kch"); !moved) return moved;
  if (const int failed = sync_folder(data_dir)) {
    return fmt::format("{}: cannot be synced: {}", data_dir.string(), error_text(failed));
  }
  if (const auto moved = move_over(clean_mark_path(inside), clean_mark_path(data_dir)); !moved) return moved;
  if (const int failed = sync_folder(data_dir)) {
    return fmt::format("{}: cannot be synced: {}", data_dir.string(), error_text(failed));
  }
  fs::remove_all(inside, error);
  return {};
}

}  // namespace

Result<std::optional<Rebuilt>, std::string> rebuild_if_needed(const StorageOptions& options, const Head& head, Log& log,
                                                              const Clock& clock) {
  const auto inside = options.data_dir / "rebuild";
  std::error_code error;
  if (fs::exists(complete_mark(options.data_dir), error)) {
    log.notice("{}: a rebuild that was complete is put in place", inside.string());
    if (const auto swapped = swap_in(options.data_dir); !swapped) return swapped.error();
    return std::optional{Rebuilt{}};
  }
  fs::remove_all(inside, error);
  if (!machine_stopped(options.data_dir)) return std::optional<Rebuilt>{};
  log.warning("{}: the machine stopped without a clean end; the store is rebuilt",
              (options.data_dir / "flare.kch").string());
  auto rebuilt = Rebuild{options, head, log, clock}.run();
  if (!rebuilt) return rebuilt.error();
  if (const auto swapped = swap_in(options.data_dir); !swapped) return swapped.error();
  return std::optional{std::move(*rebuilt)};
}

}  // namespace flare::snapshot
