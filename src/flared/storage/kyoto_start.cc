#include <unistd.h>

#include <fstream>
#include <random>
#include <tuple>
#include <utility>

#include "flared/storage/bytes.h"
#include "flared/storage/clean_mark.h"
#include "flared/storage/deletions_file.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

/// The start (docs/design.md 3.4): how the last run ended, what the log still has to give, or a new history.
namespace flare {
namespace {

// design.md 3.10: never an empty or stale store beside somebody's data.
std::string refuse_older_kind(const std::filesystem::path& data_dir) {
  const auto ours = look_at_store(data_dir / "flare.kch");
  for (const char* name : {"flare.hdb", "flare.bdb"}) {
    const auto other = look_at_store(data_dir / name);
    if (!other || (ours && ours->modified_ns >= other->modified_ns)) continue;
    return fmt::format(
        "{}: holds newer data of another storage-type than {}; build this node from an original one, restore a "
        "dump of it, or move that file away",
        (data_dir / name).string(), (data_dir / "flare.kch").string());
  }
  return {};
}

// The log-id in the opaque bytes of a store; 0: none, as an original's, or no store at all.
LogId history_of(const std::filesystem::path& store) {
  constexpr std::string_view magic = "KC\n";
  constexpr std::streamoff opaque_at = 48;
  std::ifstream file{store, std::ios::binary};  // nobody has a lock on it yet
  char head[magic.size()] = {};
  char opaque[sizeof(std::uint64_t)] = {};
  if (!file.read(head, sizeof head) || std::string_view{head, sizeof head} != magic) return LogId{0};
  if (!file.seekg(opaque_at).read(opaque, sizeof opaque)) return LogId{0};
  return LogId{get_number<std::uint64_t>(opaque)};
}

// design.md 3: without its undo file such a store opens as if it were whole, and the process dies of it later. An
// original's has no place in a log; after a kill the log is there, under this name, that of a swap, or that of a
// history that is being left.
std::string refuse_lone_copy(const std::filesystem::path& data_dir) {
  std::error_code error;
  for (const char* beside : {"flare.clean", "flare.kch.wal", "log", "log.old", "log.new", "log.unused"}) {
    if (std::filesystem::exists(data_dir / beside, error)) return {};
  }
  if (history_of(data_dir / "flare.kch") == LogId{0}) return {};
  return fmt::format(
      "{}: was not closed, and neither its log nor its undo file is beside it, so it may be torn; copy the whole "
      "data-dir of a stopped node, restore a snapshot with flare-backup, or build this node from another one",
      (data_dir / "flare.kch").string());
}

bool same_file(const CleanMark& marked, CleanMark seen) {
  seen.log_id = marked.log_id;
  seen.sequence = marked.sequence;
  return seen == marked;
}

// Another node's file in the place of the one that was closed here: was it closed, too, or copied while it was written?
// An original's, or one that an original has changed, tells that to the library.
std::string refuse_foreign_store(const std::filesystem::path& data_dir) {
  const auto mark = parse_clean_mark(read_small_file(clean_mark_path(data_dir)).value_or(""));
  const auto seen = look_at_store(data_dir / "flare.kch");
  if (!mark || !seen || same_file(*mark, *seen)) return {};
  const auto history = history_of(data_dir / "flare.kch");
  if (history == LogId{0} || history == mark->log_id) return {};
  return fmt::format(
      "{}: is not the store of this node that was closed here but one of another history, and nothing shows that it "
      "was closed, so it may be torn; copy the whole data-dir of a stopped node, restore a snapshot with flare-backup, "
      "or build this node from another one",
      (data_dir / "flare.kch").string());
}

LogId draw_log_id() {
  std::random_device random;
  std::uint64_t id = 0;
  while (id == 0) id = (std::uint64_t{random()} << 32) | random();  // 0: no position
  return LogId{id};
}

}  // namespace

UpdateLog::Options KyotoStorage::log_options() const {
  return {.folder = path("log"),
          .bytes_max = options_.log_max_bytes,
          .reserve = options_.reserve,
          .sync = options_.sync,
          .keep_all = options_.durability != Durability::process,
          .drop_when_told = true};
}

std::string KyotoStorage::start_up() {
  std::error_code error;
  if (!std::filesystem::is_directory(options_.data_dir, error)) {
    return fmt::format("{}: is no directory; create it or set data-dir to another", options_.data_dir.string());
  }
  if (auto refused = refuse_older_kind(options_.data_dir); !refused.empty()) return refused;
  if (auto refused = refuse_lone_copy(options_.data_dir); !refused.empty()) return refused;
  if (auto refused = refuse_foreign_store(options_.data_dir); !refused.empty()) return refused;
  // Nothing was changed yet: another version may go on with it.
  if (auto refused = refuse_unknown_format(path("log")); !refused.empty()) return refused;
  for (const char* left_over :
       {"flare.kch.new", "flare.kch.new.wal", "flare.kch.flush", "flare.kch.rewrite", "log.new", "log.old"}) {
    std::filesystem::remove_all(path(left_over), error);
  }
  drop_flushed();
  if (auto failure = open_files(); !failure.empty()) return failure;
  recount();
  rewrites_ = std::make_unique<RewriteThread>([this](const auto& pause) { return rewrite_if_due(pause); });
  checkpoints_thread_ = std::make_unique<CheckpointThread>(options_.checkpoint_pace, [this] { checkpoint(); });
  begin_syncing();
  look_whether_to_rewrite();
  return {};
}

std::string KyotoStorage::open_files() {
  const auto seen = look_at_store(path("flare.kch"));
  const auto mark_text = read_small_file(clean_mark_path(options_.data_dir));
  const auto mark = parse_clean_mark(mark_text.value_or(""));
  const auto boot = boot_id();
  const auto marked_boot = read_small_file(boot_mark_path(options_.data_dir));
  std::error_code error_code;
  // The library would serve it as an empty store; a start that was killed at its beginning leaves it without a log.
  if (seen && seen->file_bytes == 0 && (mark || std::filesystem::exists(path("log"), error_code))) {
    return fmt::format(
        "{}: is empty, though it had records; restore it from a snapshot, build this node from another one, or move it "
        "and {} away to begin with an empty store",
        path("flare.kch").string(), path("log").string());
  }
  LastRun last{.fresh = !seen, .clean = seen && mark && same_file(*mark, *seen)};
  last.changed = seen && mark && !last.clean;
  last.machine_stopped = machine_stopped(options_.data_dir);
  start_.clean = last.clean;

  if (::unlink(clean_mark_path(options_.data_dir).c_str()) != 0 && errno != ENOENT) {
    return fmt::format("{}: cannot be removed: {}", clean_mark_path(options_.data_dir).string(), error_text(errno));
  }
  // This syncs the folder: after a power cut a clean mark must not be back beside a store that was written to. The mark
  // itself is not written without need: the disk may be full.
  const int error =
      marked_boot == boot ? sync_folder(options_.data_dir) : replace_file(boot_mark_path(options_.data_dir), boot);
  if (error != 0) {
    return fmt::format("{}: cannot be written: {}", boot_mark_path(options_.data_dir).string(), error_text(error));
  }
  auto store = HashStore::open(path("flare.kch"), options_, HashStore::Mode::serve);
  if (!store) return store.error();
  store_ = std::move(*store);
  if (!store_->begin()) {
    return fmt::format("{}: {}", path("flare.kch").string(),
                       store_->out_of_space() ? "its disk has no room for the undo file" : store_->error());
  }

  if (auto failure = open_log(last); !failure.empty()) return failure;
  return settle_history(last);
}

void KyotoStorage::note_deletion(const LogEntry& entry) {
  switch (entry.kind) {
    case EntryKind::set:
    case EntryKind::touch:
      deletions_.forget(entry.key);
      break;
    case EntryKind::remove:
      deletions_.remember(entry.key, {entry.version, entry.expire_s});
      break;
    case EntryKind::flush:
      deletions_.clear();
      break;
  }
}

// Shows all entries to the table of remembered deletions on the way, behind those that the log has dropped.
std::string KyotoStorage::open_log(LastRun& last) {
  std::error_code error;
  if (!std::filesystem::exists(path("log"), error)) return {};
  last.correction = read_correction(path("log"), CorrectionStage::due);
  if (last.correction && last.correction->common.log_id != store_->place().log_id) last.correction.reset();
  if (last.correction) {
    if (const int failed = cut_log(path("log"), last.correction->common)) {
      return fmt::format("{}: cannot be cut as {} says: {}; build this node from another one", path("log").string(),
                         path("log/correction").string(), error_text(failed));
    }
  }
  auto options = log_options();
  if (last.machine_stopped) options.end = SegmentEnd::unsynced;
  const auto show = [this](const LogEntry& entry) { note_deletion(entry); };
  const auto head = read_deletions(path("log"), deletions_);
  bool reached = !head || head->as_of == Sequence{0};
  const auto reach = [&] {  // what is before in the log is older than the file
    if (std::exchange(reached, true)) return;
    deletions_.clear();
    std::ignore = read_deletions(path("log"), deletions_);
  };
  auto opened = UpdateLog::open(std::move(options), [&](const LogEntry& entry) {
    if (!reached && entry.sequence > head->as_of) reach();
    note_deletion(entry);
  });
  if (opened) {
    log_ = std::move(*opened);
    reach();
    deletions_as_of_ = head ? head->as_of : Sequence{0};
    if (!head || head->log_id == log_->log_id()) return {};
    deletions_.clear();  // somebody has put the file there
    deletions_as_of_ = Sequence{0};
    if (!log_->visit(Sequence{0}, show)) return fmt::format("{}: cannot be read again", path("log").string());
    return {};
  }
  // Only a store that was closed cleanly, or that has no place in a log, needs nothing from this one.
  if (last.clean || last.fresh || store_->place().log_id == LogId{0}) {
    logger_.warning("{}; the store does not need it, a new log is begun", opened.error());
    last.log_damaged = true;
    return {};
  }
  return fmt::format(
      "{}; writes that were acknowledged are behind it. Restore the file, build this node from another one, or "
      "move the folder away to serve the store as of its last checkpoint",
      opened.error());
}

std::string KyotoStorage::settle_history(const LastRun& last) {
  const auto place = store_->place();
  if (last.fresh) return begin_history(log_ ? "there was a log without a store" : nullptr);
  if (last.log_damaged) return begin_history("its log was damaged");
  if (store_->rebuilt()) return begin_history("the library had to rebuild the file");
  if (!log_) return begin_history(place.log_id == LogId{0} ? "it comes from an original" : "its log is missing");
  if (place.log_id != log_->log_id()) return begin_history("its log is of another history");
  if (last.changed) return begin_history("somebody else has changed it since it was closed");
  if (!last.correction && place.sequence > log_->last()) return begin_history("it is ahead of its log");
  if (log_->first() > next(place.sequence)) return begin_history("its log does not reach back to its checkpoint");

  if (log_->torn_bytes() > 0)
    logger_.warning("{}: a torn tail of {} bytes was cut off", path("log").string(), log_->torn_bytes());
  if (auto failure = replay(place.sequence); !failure.empty()) return failure;
  start_.entries_applied = replayed_;
  if (replayed_ > 0) logger_.notice("{}: {} entries of the log applied", path("flare.kch").string(), replayed_);
  if (last.correction) {
    if (auto failure = finish(*last.correction); !failure.empty()) return failure;
    logger_.notice("{}: ends at entry {} again: what the master had not was taken back", path("log").string(),
                   raw(log_->last()));
  } else if (const auto done = read_correction(path("log"), CorrectionStage::done)) {
    set_inexact(inexact_keys_of(*done));
    if (inexact_keys().empty()) remove_corrected(path("log"));
  }
  if (last.machine_stopped) {
    return begin_history("the machine stopped without a clean end; records that were not synced may be missing or old");
  }
  return checkpoint_locked() ? std::string{}
                             : fmt::format("{}: the first checkpoint failed", path("flare.kch").string());
}

// design.md 3.1: positions in the old history must not be taken for positions in this store.
std::string KyotoStorage::begin_history(const char* why) {
  start_.new_history = true;
  if (why != nullptr) logger_.warning("{}: a new log is begun: {}", path("flare.kch").string(), why);
  if (!log_ || log_->log_id() != store_->place().log_id) deletions_.clear();
  deletions_as_of_ = Sequence{0};
  set_inexact({});
  const auto epoch = log_ ? log_->epoch() : Epoch{0};
  log_.reset();
  // Under its name when it is whole: after a kill a folder without a segment would be taken for a damaged log.
  const SegmentHeader header{.log_id = draw_log_id(), .first = Sequence{1}, .epoch = epoch, .epochs = {}};
  if (const int failed = UpdateLog::create(path("log.new"), header)) {
    return fmt::format("{}: cannot be created: {}", path("log.new").string(), error_text(failed));
  }
  if (const int failed = write_deletions(path("log.new"), {header.log_id, Sequence{0}}, deletions_)) {
    return fmt::format("{}: cannot be written: {}", path("log.new/deletions").string(), error_text(failed));
  }
  std::error_code error;
  if (std::filesystem::exists(path("log"), error)) {
    std::filesystem::remove_all(path("log.unused"), error);  // the last one only
    std::filesystem::rename(path("log"), path("log.unused"), error);
    if (error) return fmt::format("{}: cannot be moved aside: {}", path("log").string(), error.message());
  }
  std::filesystem::rename(path("log.new"), path("log"), error);
  if (error) return fmt::format("{}: cannot be moved to its place: {}", path("log.new").string(), error.message());
  auto opened = UpdateLog::open(log_options(), {});
  if (!opened) return opened.error();
  log_ = std::move(*opened);
  if (const int failed = sync_folder(options_.data_dir)) {
    return fmt::format("{}: cannot be synced: {}", options_.data_dir.string(), error_text(failed));
  }
  return checkpoint_locked() ? std::string{}
                             : fmt::format("{}: the first checkpoint failed", path("flare.kch").string());
}

}  // namespace flare
