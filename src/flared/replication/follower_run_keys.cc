// The return of a node that was ahead of its source: only the keys that it wrote alone are fetched (replication.md 11).
#include <utility>

#include "common/base/limits.h"
#include "flared/replication/follower_run.h"
#include "flared/replication/storage_failure.h"
#include "flared/replication/surplus_keys.h"

namespace flare {

namespace {

std::string request_for(const std::vector<std::string>& keys) {
  std::string out;
  for (const auto& key : keys) stream::append(out, stream::Key{key});
  stream::append(out, stream::Keys{keys.size()});
  return out;
}

}  // namespace

IoTask<std::string> FollowerRun::fetch_keys(Backup::FetchKeys fetch) {
  auto& connection = *connection_;
  figures_.state = FollowState::snapshot;  // no position of this node counts meanwhile
  surplus_due_ = connection.backup.surplus();
  connection.correction = {fetch.common, {}, {}};
  auto work = [this, after = fetch.common.sequence] { return gather_surplus_keys(storage_, after); };
  auto keys = co_await pool_.run(std::move(work));
  const auto out = request_for(keys.value_or(std::vector<std::string>{}));
  if (keys && !keys->empty()) {
    connection.backup.asks_for(std::move(*keys));
  } else {
    connection.backup.asks_whole();
  }
  const auto sent = co_await connection.link.write(out, options_.times.snapshot_silent_max);
  co_return sent ? std::string{} : "asking for keys: " + sent.error().message();
}

// False: there are more bytes than a return by keys is for; the next connection gets a snapshot.
bool FollowerRun::take_fetched(const Backup::Action& action) {
  auto& correction = connection_->correction;
  if (const auto* put = std::get_if<Backup::Put>(&action)) correction.put(put->record.key, put->record.record);
  if (const auto* gone = std::get_if<Backup::PutDeletion>(&action)) {
    correction.put_deletion(gone->deleted.key, gone->deleted.version, gone->deleted.hold_until_s);
  }
  needs_snapshot_ = correction.entries.size() > limits::correction_bytes_max;
  return !needs_snapshot_;
}

IoTask<std::string> FollowerRun::correct(Backup::Correct correct) {
  auto& correction = connection_->correction;
  correction.exact_at = correct.exact_at;
  auto work = [this, &correction] { return storage_.correct(correction); };
  const auto done = co_await pool_.run(std::move(work));
  if (!done) {
    needs_snapshot_ = done.error() == StorageError::sequence_gap;
    co_return store_failed("taking back what the source does not have", done.error());
  }
  connection_->correction = {};
  ++figures_.corrections;
  count_lost();
  co_return std::string{};
}

}  // namespace flare
