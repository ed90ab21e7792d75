#include "flared/node_safety.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "common/protocol/reply_writer.h"
#include "flared/snapshot/rebuild.h"
#include "flared/storage/file_tools.h"

namespace flare {
namespace {

std::string_view to_text(Durability durability) {
  switch (durability) {
    case Durability::process:
      return "process";
    case Durability::interval:
      return "interval";
    case Durability::group:
      return "group";
  }
  return "unknown";
}

std::string salvage_lines(const snapshot::SalvageNotice& notice) {
  return fmt::format(
      "STAT salvaged_at {}\r\nSTAT salvaged_proven {}\r\nSTAT salvaged_doubtful {}\r\nSTAT salvaged_lost {}\r\n"
      "STAT salvaged_damaged_bytes {}\r\nSTAT salvaged_discarded_entries {}\r\n"
      "STAT salvaged_missing_entries {}\r\n",
      notice.time_s, notice.proven, notice.doubtful, notice.lost, notice.damaged_bytes, notice.discarded_entries,
      notice.missing_entries);
}

}  // namespace

NodeSafety::NodeSafety(StorageOptions options, snapshot::Head head, Log& log, const Clock& clock)
    : options_(std::move(options)), log_(log), clock_(clock), head_(std::move(head)) {}

Result<void, std::string> NodeSafety::prepare() {
  const auto rebuilt = snapshot::rebuild_if_needed(options_, head(), log_, clock_);
  if (!rebuilt) return rebuilt.error();
  if (*rebuilt && (*rebuilt)->from_snapshot) {
    log_.warning(
        "store rebuilt after a stop of the machine: {} records of a local snapshot, {} entries of the log; {} "
        "entries behind its end were not on the disk in time",
        (*rebuilt)->records, (*rebuilt)->entries, (*rebuilt)->discarded_entries);
  }
  if (const auto salvaged = snapshot::read_notice(options_.data_dir)) {
    noticed_ = true;
    log_.error("{}; acknowledge it with: flare-backup acknowledge {}", snapshot::to_text(*salvaged), head().node);
  }
  return {};
}

Result<void, std::string> NodeSafety::watch(Storage& storage) {
  if (options_.durability == Durability::process) {
    snapshot::remove_other_local(options_.data_dir,
                                 {});  // of a time with another durability: the log leaves them behind
    return {};
  }
  keeper_ = std::make_unique<snapshot::Keeper>(
      storage, options_.data_dir, [this] { return head(); }, log_);
  if (const auto ensured = keeper_->ensure(); !ensured) {
    return fmt::format("the first local snapshot (option durability): {}", ensured.error());
  }
  keeper_->start();
  return {};
}

void NodeSafety::moved_to(PartitionId partition, int partitions) {
  const std::lock_guard lock{mutex_};
  head_.partition = partition;
  head_.partitions = partitions;
}

void NodeSafety::stop() {
  if (keeper_) keeper_->stop();
}

snapshot::Head NodeSafety::head() const {
  const std::lock_guard lock{mutex_};
  auto now = head_;
  now.taken_s = clock_.unix_s();
  return now;
}

std::string NodeSafety::backup_head() const { return snapshot::format_head(head()); }

std::optional<snapshot::SalvageNotice> NodeSafety::notice() const {
  if (!noticed_) return std::nullopt;
  return snapshot::read_notice(options_.data_dir);
}

bool NodeSafety::forget_notice() {
  const auto path = snapshot::notice_path(options_.data_dir);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    log_.error("{}: cannot be removed: {}", path.string(), error_text(errno));
    return false;
  }
  noticed_ = false;
  return true;
}

void NodeSafety::store_replaced() {
  const auto salvaged = notice();
  if (!salvaged || !forget_notice()) return;
  log_.notice("the store is another node's now; no longer true: {}", snapshot::to_text(*salvaged));
}

std::string NodeSafety::acknowledge(const std::string& peer) {
  const auto salvaged = notice();
  if (!salvaged) return std::string{reply::nothing_to_acknowledge};
  if (!forget_notice()) return std::string{reply::io_error};
  log_.notice("acknowledged by {}: {}", peer, snapshot::to_text(*salvaged));
  return std::string{reply::ok};
}

std::string NodeSafety::alarms() const {
  const auto salvaged = notice();
  return salvaged ? salvage_lines(*salvaged) : std::string{};
}

std::string NodeSafety::stats(const Storage& storage) const {
  std::string text;
  const auto owner = head().owner;
  fmt::format_to(std::back_inserter(text), "STAT cluster {}\r\nSTAT tenant {}\r\n",
                 owner.cluster.empty() ? "-" : owner.cluster, owner.tenant.empty() ? "-" : owner.tenant);
  const auto position = storage.position();
  fmt::format_to(
      std::back_inserter(text),
      "STAT durability {}\r\nSTAT sequence {}\r\nSTAT durable_sequence {}\r\nSTAT local_snapshots_taken {}\r\n",
      to_text(options_.durability), raw(position.sequence), raw(storage.durable_sequence()),
      keeper_ ? keeper_->taken() : 0);
  text += alarms();
  text += "END\r\n";
  return text;
}

}  // namespace flare
