#include "flared/snapshot/salvage.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "flared/snapshot/kch_scan.h"
#include "flared/snapshot/key_slice.h"
#include "flared/snapshot/log_remains.h"
#include "flared/storage/file_tools.h"

namespace flare::snapshot {
namespace {

/// What is known of one key while its pass goes on.
struct KeyState {
  Sequence logged{0};  // its newest entry; 0: the log does not know it
  RecordVersion logged_version{0};
  RecordVersion stored_version{0};  // of its best place in the store that is newer than the log's
  Proof proof = Proof::loose;       // of that place
  bool in_store = false;            // it was met there, newer or not
  bool store_wins = false;

  bool beaten_by(RecordVersion version, Proof by) const {
    const bool loose = proof == Proof::loose;
    return loose == (by == Proof::loose) ? version > stored_version : loose;
  }
};

class Salvage {
 public:
  Salvage(const SalvagePlan& plan, Building& building, Log& log)
      : plan_(plan), building_(building), log_(log), slice_(plan.keys_max) {}

  Result<Salvaged, std::string> run(std::string_view bytes) {
    look_at_store(bytes);
    look_at_log();
    if (readable_ && !flushed_since()) bytes_ = bytes;
    do {
      if (auto passed = pass(); !passed) return passed.error();
    } while (slice_.next_pass());
    // Two estimates of one thing, both too high where a link or the header's page is old: nobody is told less.
    const auto found = std::min<std::uint64_t>(remains_.count, in_store_);
    if (!bytes_.empty()) notice().lost = std::max(remains_.count - found, remains_.broken_links);
    if (auto done = building_.commit(epoch_, highest_, log_remains_.epochs); !done) return done.error();
    return done_;
  }

 private:
  SalvageNotice& notice() { return done_.notice; }

  void look_at_store(std::string_view bytes) {
    const auto header = read_kch_header(bytes);
    readable_ = header.has_value();
    if (readable_) {
      header_ = *header;
      return;
    }
    log_.error("{}: {}; nothing of it can be read", plan_.store.string(), header.error());
    notice().damaged_bytes = bytes.size();
  }

  // Each entry is whole by itself, so those behind a gap count too; the gap is told.
  void look_at_log() {
    Sequence before{0};
    std::uint64_t behind_store = 0;  // entries that the store's last commit does not have
    log_remains_ = read_log_remains(plan_.log_folder, [&](const LogEntry& entry, bool) {
      ++done_.entries;
      epoch_ = std::max(epoch_, entry.epoch);
      highest_ = std::max(highest_, entry.sequence);
      if (entry.sequence > header_.sequence && entry.sequence > before) ++behind_store;
      before = std::max(before, entry.sequence);
      if (entry.kind == EntryKind::flush) flushed_ = entry.sequence;
    });
    notice().discarded_entries = log_remains_.discarded_entries;
    highest_ = std::max(highest_, log_remains_.last);
    if (!same_log()) return;
    highest_ = std::max(highest_, header_.sequence);
    notice().missing_entries = raw(highest_) - raw(header_.sequence) - behind_store;
  }

  bool same_log() const { return readable_ && header_.log_id == log_remains_.log_id; }
  // The store is that of before the last flush_all.
  bool flushed_since() const { return same_log() && flushed_ && header_.sequence < *flushed_; }

  template <class Visit>
  void each_entry(const Visit& visit) {
    read_log_remains(plan_.log_folder, [&](const LogEntry& entry, bool) {
      if (entry.kind != EntryKind::flush && (!flushed_ || entry.sequence > *flushed_)) visit(entry);
    });
  }

  // One range of keys: who is newest in the log, what the store has that is newer, then the log's own.
  Result<void, std::string> pass() {
    each_entry([&](const LogEntry& entry) {
      auto* state = slice_.admit(entry.key);
      if (state == nullptr) return;
      state->logged = entry.sequence;
      state->logged_version = entry.version;
    });
    if (auto scanned = scan_store(); !scanned) return scanned;
    if (auto logged = put_logged(); !logged) return logged;
    for (const auto& [hash, state] : slice_.states()) {
      if (state.in_store) ++in_store_;
      if (state.store_wins) ++(state.proof == Proof::reached ? notice().proven : notice().doubtful);
    }
    return {};
  }

  // Of two places of one key the higher version is the newer one; so it is against the log, whose end may be missing.
  Result<void, std::string> scan_store() {
    if (bytes_.empty()) return {};
    std::string failure;
    const auto scanned = scan_kch(bytes_, [&](std::string_view key, const RecordView& record, Proof proof) {
      auto* state = failure.empty() ? slice_.admit(key) : nullptr;
      if (state == nullptr) return;
      state->in_store = true;
      if (state->logged != Sequence{0} && state->logged_version >= record.version) return;
      if (state->store_wins && !state->beaten_by(record.version, proof)) return;
      state->store_wins = true;
      state->stored_version = record.version;
      state->proof = proof;
      if (const auto put = building_.put(key, record); !put) failure = put.error();
    });
    if (!failure.empty()) return failure;
    remains_ = *scanned;
    notice().damaged_bytes = scanned->damaged_bytes;
    return {};
  }

  Result<void, std::string> put_logged() {
    std::string failure;
    each_entry([&](const LogEntry& entry) {
      const auto* state = failure.empty() ? slice_.admit(entry.key) : nullptr;
      if (state == nullptr || state->store_wins || state->logged != entry.sequence) return;
      if (entry.kind == EntryKind::remove) return building_.put_deletion(entry.key, entry.version, entry.expire_s);
      ++notice().proven;
      const RecordView record{entry.flags, entry.expire_s, entry.version, entry.data};
      if (const auto put = building_.put(entry.key, record); !put) failure = put.error();
    });
    if (!failure.empty()) return failure;
    return {};
  }

  const SalvagePlan& plan_;
  Building& building_;
  Log& log_;
  KeySlice<KeyState> slice_;
  std::string_view bytes_;  // of the store; empty: nothing of it counts
  bool readable_ = false;
  KchRemains header_;
  KchRemains remains_;
  LogRemains log_remains_;
  std::optional<Sequence> flushed_;  // by the last flush_all
  Epoch epoch_{0};
  Sequence highest_{0};
  std::uint64_t in_store_ = 0;
  Salvaged done_;
};

}  // namespace

Result<Salvaged, std::string> salvage(const SalvagePlan& plan, Building& building, Log& log) {
  const FileDescriptor file{::open(plan.store.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fmt::format("{}: cannot be opened: {}", plan.store.string(), error_text(errno));
  }
  const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
  if (mapped.failed()) return fmt::format("{}: cannot be read: {}", plan.store.string(), error_text(errno));
  return Salvage{plan, building, log}.run(mapped.bytes());
}

}  // namespace flare::snapshot
