#include "flare_backup/restore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "common/protocol/proxy_prefix.h"
#include "flare_backup/connection.h"
#include "flare_backup/dump_text.h"
#include "flare_backup/progress.h"
#include "flare_status/ask.h"
#include "flare_status/status.h"
#include "flared/snapshot/kch_scan.h"
#include "flared/snapshot/snapshot_reader.h"

namespace flare::backup {
namespace {

constexpr std::size_t data_bytes_max = std::size_t{1} << 31;
constexpr std::size_t batch_bytes_max = 256 * 1024;
constexpr std::size_t batch_requests_max = 1000;
// An original takes what a client says; ours refuses a client a version that far above the present one (docs/design.md
// 1), and does not refuse this tool.
constexpr std::uint64_t client_version_max = std::uint64_t{1} << 32;

/// Writes records through one connection, many requests at a time. `exact`: the node is one of ours, and takes versions
/// and remembered deletions as they were; an original is written to as by a client.
class Loader {
 public:
  Loader(Connection& connection, bool exact, std::string what, std::string_view verb = "set")
      : connection_(connection), exact_(exact), verb_(verb), progress_(std::move(what)) {}

  void expect(std::uint64_t records) { expected_ = records; }

  Result<void, std::string> set(std::string_view key, const RecordView& record) {
    if (record.expire_s < 0 || (record.expire_s > 0 && record.expire_s <= now_s_)) {
      ++restored_.expired;
      return {};
    }
    begin();
    fmt::format_to(std::back_inserter(batch_), "{} {} {} {} {}", verb_, key, record.flags, record.expire_s,
                   record.data.size());
    if (raw(record.version) > 0 && (exact_ || raw(record.version) <= client_version_max)) {
      fmt::format_to(std::back_inserter(batch_), " {}", raw(record.version));
    }
    batch_ += "\r\n";
    batch_ += record.data;
    batch_ += "\r\n";
    return asked();
  }
  Result<void, std::string> touch(std::string_view key, std::int64_t expire_s) {
    begin();
    fmt::format_to(std::back_inserter(batch_), "touch {} {}\r\n", key, expire_s);
    return asked();
  }
  Result<void, std::string> remove(std::string_view key, RecordVersion version, std::int64_t hold_until_s) {
    begin();
    if (exact_) {
      fmt::format_to(std::back_inserter(batch_), "delete {} {} {}\r\n", key, hold_until_s, raw(version));
    } else {
      fmt::format_to(std::back_inserter(batch_), "delete {}\r\n", key);
    }
    return asked();
  }
  Result<Restored, std::string> end() {
    if (const auto done = exchange(); !done) return done.error();
    return restored_;
  }

 private:
  void begin() {
    if (exact_) fmt::format_to(std::back_inserter(batch_), "<{}>", restoring_name);
  }
  Result<void, std::string> asked() {
    ++waiting_;
    if (batch_.size() < batch_bytes_max && waiting_ < batch_requests_max) return {};
    return exchange();
  }

  Result<void, std::string> exchange() {
    if (const auto sent = connection_.send(batch_); !sent) return sent;
    sent_bytes_ += batch_.size();
    batch_.clear();
    for (; waiting_ > 0; --waiting_) {
      const auto answer = connection_.read_line();
      if (!answer) return answer.error();
      if (*answer == "STORED") {
        ++restored_.stored;
      } else if (*answer == "NOT_STORED") {
        ++restored_.newer;
      } else if (*answer != "TOUCHED" && *answer != "DELETED" && *answer != "NOT_FOUND") {
        if (restored_.refused++ == 0) restored_.first_refusal = *answer;
      }
    }
    progress_.show(restored_.stored, expected_, sent_bytes_);
    return {};
  }

  Connection& connection_;
  const bool exact_;
  const std::string_view verb_;
  const std::int64_t now_s_ = std::time(nullptr);
  std::string batch_;
  std::size_t waiting_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t expected_ = 0;
  Restored restored_;
  ProgressBar progress_;
};

class IntoLoader final : public snapshot::Visitor {
 public:
  explicit IntoLoader(Loader& loader) : loader_(loader) {}
  Result<void, std::string> record(std::string_view key, const RecordView& record) override {
    return loader_.set(key, record);
  }
  // What an old copy still has must not come back by it: the versions go on behind the deletion's.
  Result<void, std::string> deletion(const stream::Deleted& deleted) override {
    return loader_.remove(deleted.key, deleted.version, deleted.hold_until_s);
  }
  Result<void, std::string> entry(const LogEntry& entry) override {
    switch (entry.kind) {
      case EntryKind::set:
        return loader_.set(entry.key, {entry.flags, entry.expire_s, entry.version, entry.data});
      case EntryKind::touch:
        return loader_.touch(entry.key, entry.expire_s);
      case EntryKind::remove:
        return loader_.remove(entry.key, entry.version, entry.expire_s);
      case EntryKind::flush:
        return std::string{"the node was flushed while this was taken: take another"};
    }
    return {};
  }

 private:
  Loader& loader_;
};

// docs/design.md 5: tenants never mix. A cluster that tells nothing of itself is not taken for the file's.
Result<void, std::string> check_owner(Connection& connection, const snapshot::Head& head) {
  const auto there = connection.identity();
  const bool same_tenant = !there.tenant.empty() && there.tenant == head.owner.tenant;
  const bool same_cluster = !there.cluster.empty() && there.cluster == head.owner.cluster;
  if (same_tenant || (same_cluster && there.tenant == head.owner.tenant)) return {};
  return fmt::format("the snapshot is of {}, and {} is of {}: say --into-other-tenant if that is meant",
                     to_text(head.owner), connection.peer(), to_text(there));
}

// All masters, by the map that the node shows.
Result<void, std::string> check_empty(const RestorePlan& plan) {
  const auto deadline = std::chrono::steady_clock::now() + plan.patience;
  const auto map = status::ask_all({plan.node}, "stats nodes", deadline).front();
  const auto rows = status::parse_nodes(map.lines);
  if (!rows) return fmt::format("{}: does not show its nodes: {}", to_string(plan.node), map.error);
  std::vector<status::Target> masters;
  for (const auto& row : *rows) {
    const auto target = row.role == "master" ? status::parse_target(row.key) : std::nullopt;
    if (target) masters.push_back(*target);
  }
  if (masters.empty()) return fmt::format("{}: its cluster has no master to restore to", to_string(plan.node));
  const auto answers = status::ask_all(masters, "stats", deadline);
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const auto items = status::parse_items(answers[i].lines);
    if (!items)
      return fmt::format("{}: does not tell how many items it has: {}", to_string(masters[i]), answers[i].error);
    if (*items != 0) {
      return fmt::format("{}: holds {} items: restore into an empty cluster, or say --into-data", to_string(masters[i]),
                         *items);
    }
  }
  return {};
}

}  // namespace

Result<Restored, std::string> restore(const RestorePlan& plan) {
  const auto facts = snapshot::verify_file(plan.file, data_bytes_max);  // nothing is written before all is known good
  if (!facts) return facts.error();
  auto connection = Connection::open(plan.node, plan.patience);
  if (!connection) return connection.error();
  if (!plan.into_other_tenant) {
    if (const auto owned = check_owner(*connection, facts->head); !owned) return owned.error();
  }
  if (!plan.into_data) {
    if (const auto empty = check_empty(plan); !empty) return empty.error();
  }
  const auto exact = connection->introduce();
  if (!exact) return exact.error();
  Loader loader{*connection, *exact, "restore"};
  loader.expect(facts->records);
  IntoLoader into{loader};
  if (const auto read = snapshot::read_file(plan.file, data_bytes_max, into); !read) return read.error();
  return loader.end();
}

Result<Restored, std::string> import_text(const RestorePlan& plan) {
  const FileDescriptor file{::open(plan.file.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fmt::format("{}: cannot be opened: {}", plan.file.string(), error_text(errno));
  }
  const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
  if (mapped.failed()) return fmt::format("{}: cannot be read: {}", plan.file.string(), error_text(errno));
  auto connection = Connection::open(plan.node, plan.patience);
  if (!connection) return connection.error();
  if (!plan.into_data) {
    if (const auto empty = check_empty(plan); !empty) return empty.error();
  }
  const auto exact = connection->introduce();
  if (!exact) return exact.error();
  Loader loader{*connection, *exact, "import"};
  for (auto unread = mapped.bytes();;) {
    const auto at = mapped.bytes().size() - unread.size();
    const auto line = next_dump_line(unread);
    if (!line) return fmt::format("{}: at byte {}: {}", plan.file.string(), at, line.error());
    if (!*line) return loader.end();
    if (const auto set = loader.set((*line)->key, (*line)->record); !set) return set.error();
  }
}

Result<Restored, std::string> restore_flushed(const RestorePlan& plan) {
  const FileDescriptor file{::open(plan.file.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fmt::format("{}: cannot be opened: {}", plan.file.string(), error_text(errno));
  }
  const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
  if (mapped.failed()) return fmt::format("{}: cannot be read: {}", plan.file.string(), error_text(errno));
  auto connection = Connection::open(plan.node, plan.patience);
  if (!connection) return connection.error();

  const auto exact = connection->introduce();
  if (!exact) return exact.error();
  Loader loader{*connection, *exact, "unflush", "add"};
  Result<void, std::string> sent;
  const auto scanned =
      snapshot::scan_kch(mapped.bytes(), [&](std::string_view key, const RecordView& record, auto proof) {
        // A place that no chain leads to is an older record of a key, or a removed one.
        if (sent && proof != snapshot::Proof::loose) sent = loader.set(key, record);
      });
  if (!scanned) return fmt::format("{}: {}", plan.file.string(), scanned.error());
  if (!sent) return sent.error();
  auto restored = loader.end();
  if (restored && scanned->reached != scanned->count) {
    return fmt::format("{}: is damaged: {} of its {} records were found and brought back", plan.file.string(),
                       scanned->reached, scanned->count);
  }
  return restored;
}

}  // namespace flare::backup
