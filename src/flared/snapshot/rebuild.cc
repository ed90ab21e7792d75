#include "flared/snapshot/rebuild.h"

#include <vector>

#include "flared/replication/storage_failure.h"
#include "flared/snapshot/building.h"
#include "flared/snapshot/local_snapshots.h"
#include "flared/snapshot/log_remains.h"
#include "flared/snapshot/rebuild_swap.h"
#include "flared/snapshot/salvage.h"
#include "flared/snapshot/snapshot_reader.h"
#include "flared/snapshot/take_snapshot.h"
#include "flared/storage/clean_mark.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_storage.h"

namespace flare::snapshot {
namespace {

namespace fs = std::filesystem;

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
    for (const auto& local : list_local(options_.data_dir)) {
      const auto remains = read_log_remains(
          log_folder(), [](const LogEntry&, bool) {}, local.sequence);
      if (local.log_id != remains.log_id || next(local.sequence) < remains.first) continue;
      auto building = Building::begin(options_, log_, clock_);
      if (!building) return building.error();
      const auto facts = load(*building, local);
      if (!facts) {
        log_.error("{}; it is not used", facts.error());
        continue;
      }
      if (auto applied = apply_log(*building, facts->end.sequence); !applied) return applied.error();
      if (remains.damages_covered > 0) {
        log_.warning("{}: is damaged at {} places before entry {}; {} has what was there, nothing is lost",
                     log_folder().string(), remains.damages_covered, raw(local.sequence), local.path.string());
      }
      rebuilt_.from_snapshot = true;
      rebuilt_.records = facts->records;
      rebuilt_.discarded_entries = remains.discarded_entries;
      // In `group` nobody was told that these were stored; in `interval` somebody was.
      if (options_.durability == Durability::interval && remains.discarded_entries > 0) {
        auto noted = note({.proven = facts->records, .discarded_entries = remains.discarded_entries});
        if (!noted) return noted.error();
      }
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
    read_log_remains(
        log_folder(),
        [&](const LogEntry& entry, bool whole) {
          if (!whole || entry.sequence <= after || !failure.empty()) return;
          if (const auto applied = building.apply(entry); !applied) failure = applied.error();
          ++rebuilt_.entries;
        },
        after);
    if (!failure.empty()) return failure;
    return {};
  }

  Result<void, std::string> salvage() {
    auto building = Building::begin(options_, log_, clock_);
    if (!building) return building.error();
    const SalvagePlan plan{options_.data_dir / "flare.kch", log_folder()};
    auto salvaged = snapshot::salvage(plan, *building, log_);
    if (!salvaged) return salvaged.error();
    rebuilt_.entries = salvaged->entries;
    rebuilt_.records = salvaged->notice.proven + salvaged->notice.doubtful;
    if (auto noted = note(salvaged->notice); !noted) return noted.error();
    return finish(*building);
  }

  // Beside the new store until that takes its place: a rebuild that is broken off must not count twice.
  Result<void, std::string> note(SalvageNotice notice) {
    notice.time_s = clock_.unix_s();
    if (const auto before = read_notice(options_.data_dir)) notice = joined(*before, notice);
    rebuilt_.salvage = notice;
    const auto path = notice_path(options_.data_dir / "rebuild");
    if (const int error = replace_file(path, format_notice(notice))) {
      return fmt::format("{}: cannot be written: {}", path.string(), error_text(error));
    }
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
};

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
