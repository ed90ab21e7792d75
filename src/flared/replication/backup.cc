#include "flared/replication/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flared/replication/history.h"

namespace flare {

namespace {

Backup::Refuse out_of_place(std::string_view word) { return {fmt::format("{} out of place", word)}; }

}  // namespace

Backup::Backup(const Position& own, Epoch epoch_known, EpochTable own_epochs)
    : position_(own),
      epoch_known_(epoch_known),
      stream_epoch_(std::max(own.epoch, epoch_known)),
      own_epochs_(std::move(own_epochs)) {}

Backup Backup::of_import(const Position& own) {
  Backup backup{own, Epoch{0}};
  backup.filtered_ = true;
  return backup;
}

Backup::Action Backup::on_message(const stream::Decoded& decoded) {
  if (const auto* record = std::get_if<stream::Record>(&decoded.message)) return on(*record, decoded.raw);
  if (const auto* deleted = std::get_if<stream::Deleted>(&decoded.message)) return on(*deleted, decoded.raw);
  return std::visit(
      [this](const auto& message) -> Action {
        using Kind = std::decay_t<decltype(message)>;
        if constexpr (std::is_same_v<Kind, stream::Record> || std::is_same_v<Kind, stream::Deleted> ||
                      std::is_same_v<Kind, stream::Ack> || std::is_same_v<Kind, stream::Key> ||
                      std::is_same_v<Kind, stream::Keys>) {
          return out_of_place("a slave's word");
        } else {
          return on(message);
        }
      },
      decoded.message);
}

// replication.md 2: streams of lower epochs are refused: their source has been deposed and does not know it yet.
std::optional<Backup::Refuse> Backup::refuse_epoch(Epoch epoch) {
  if (epoch < stream_epoch_) {
    return Refuse{fmt::format("stream of epoch {}, but epoch {} is known here: the source is no master any more",
                              raw(epoch), raw(stream_epoch_))};
  }
  stream_epoch_ = epoch;
  return std::nullopt;
}

Backup::Action Backup::on(const stream::Ok& ok) {
  if (state_ != State::asked || (filtered_ && position_ == Position{})) return out_of_place("OK");
  if (ok.position != position_) {
    return Refuse{fmt::format("OK for log-id {:016x} epoch {} sequence {}, asked for {:016x} {} {}",
                              raw(ok.position.log_id), raw(ok.position.epoch), raw(ok.position.sequence),
                              raw(position_.log_id), raw(position_.epoch), raw(position_.sequence))};
  }
  source_sequence_ = position_.sequence;
  state_ = State::streaming;
  return Nothing{};
}

Backup::Action Backup::on(const stream::SnapshotBegin& begin) {
  if (state_ != State::asked) return out_of_place("SNAPSHOT");
  // A node that was master of another partition knows higher epochs, of another history: they do not compare.
  if (begin.position.log_id != position_.log_id) stream_epoch_ = epoch_known_;
  // replication.md 11: of one history, the epoch tables tell what was written here alone.
  if (begin.position.log_id == position_.log_id) {
    surplus_ = divergence(position_, own_epochs_, begin.position, begin.epochs).surplus;
  }
  snapshot_ = begin;
  checksum_.reset();
  received_ = loaded_ = 0;
  source_sequence_ = begin.position.sequence;
  expected_ = begin.expected_items;
  state_ = State::loading;
  return BeginSnapshot{begin};
}

// replication.md 11: nothing is changed here before all that is asked for has come.
Backup::Action Backup::on(const stream::Common& common) {
  if (state_ != State::asked || filtered_) return out_of_place("COMMON");
  if (common.position.log_id != position_.log_id || common.position.sequence > position_.sequence) {
    return Refuse{fmt::format("COMMON {} of log-id {:016x}, asked for {} of {:016x}", raw(common.position.sequence),
                              raw(common.position.log_id), raw(position_.sequence), raw(position_.log_id))};
  }
  surplus_ = raw(position_.sequence) - raw(common.position.sequence);
  common_ = common.position;
  checksum_.reset();
  received_ = loaded_ = 0;
  state_ = State::fetching;
  return FetchKeys{common_};
}

std::optional<Backup::Refuse> Backup::refuse_key(std::string_view key) {
  if (state_ != State::fetching) return std::nullopt;
  if (received_ < asked_keys_.size() && key == asked_keys_[received_]) return std::nullopt;
  return Refuse{fmt::format("the source gives another key than the {}th that it was asked for", received_ + 1)};
}

std::optional<Backup::Refuse> Backup::refuse_end(std::uint64_t count, std::uint64_t checksum) const {
  if (count != received_) {
    return Refuse{fmt::format("{} of {} records and deletions have come", received_, count)};
  }
  if (checksum != checksum_.value()) return Refuse{"records with a wrong checksum"};
  return std::nullopt;
}

Backup::Action Backup::on(const stream::Record& record, std::string_view raw_bytes) {
  if (!takes_records()) return out_of_place("RECORD");
  if (auto refused = refuse_key(record.key)) return *refused;
  checksum_.add(raw_bytes);
  ++received_;
  ++loaded_;
  return Put{record};
}

Backup::Action Backup::on(const stream::Deleted& deleted, std::string_view raw_bytes) {
  if (!takes_records()) return out_of_place("DELETED");
  if (auto refused = refuse_key(deleted.key)) return *refused;
  checksum_.add(raw_bytes);
  ++received_;
  return PutDeletion{deleted};
}

Backup::Action Backup::on(const stream::KeysEnd& end) {
  if (state_ != State::fetching || !greeted_) return out_of_place("KEYS-END");
  if (auto refused = refuse_end(end.count, end.checksum)) return *refused;
  if (received_ != asked_keys_.size()) return Refuse{"the source has not given all keys that it was asked for"};
  position_ = common_;
  source_sequence_ = std::max(source_sequence_, end.exact_at);
  asked_keys_.clear();
  state_ = State::streaming;
  return Correct{common_, end.exact_at};
}

Backup::Action Backup::on(const stream::SnapshotEnd& end) {
  if (state_ != State::loading || !greeted_) return out_of_place("SNAPSHOT-END");
  if (auto refused = refuse_end(end.count, end.checksum)) return *refused;
  position_ = snapshot_.position;
  source_sequence_ = std::max(source_sequence_, position_.sequence);
  state_ = State::streaming;
  return Commit{snapshot_.position, snapshot_.epochs};
}

Backup::Action Backup::on(const stream::Entry& entry) {
  if (!streams()) return out_of_place("an entry");
  const auto& [epoch, sequence] = std::pair{entry.entry.epoch, entry.entry.sequence};
  // An entry may be of an epoch that has ended since, but entries never go back in epochs.
  const bool follows = filtered_ ? sequence > position_.sequence : sequence == next(position_.sequence);
  if (!follows || epoch < position_.epoch) {
    return Refuse{fmt::format("entry {} of epoch {} does not follow {} of epoch {}", raw(sequence), raw(epoch),
                              raw(position_.sequence), raw(position_.epoch))};
  }
  stream_epoch_ = std::max(stream_epoch_, epoch);
  position_.epoch = epoch;
  position_.sequence = sequence;
  source_sequence_ = std::max(source_sequence_, sequence);
  return Apply{entry.entry};
}

Backup::Action Backup::on(const stream::Ping& ping) {
  if (state_ == State::asked) return out_of_place("PING");
  if (auto refused = refuse_epoch(ping.epoch)) return *refused;
  greeted_ = true;
  source_sequence_ = std::max(source_sequence_, ping.sequence);
  stamp_ = ping.stamp;
  committed_ = ping.committed;
  if (filtered_ && state_ == State::streaming) position_.sequence = std::max(position_.sequence, ping.sequence);
  return Nothing{};
}

Backup::Action Backup::on(const stream::InSync& in_sync) {
  if (!streams()) return out_of_place("INSYNC");
  if (auto refused = refuse_epoch(in_sync.epoch)) return *refused;
  return Confirmed{};
}

Backup::Action Backup::on(const stream::Refusal& refusal) { return Refuse{std::string{refusal.text}}; }

stream::Ack Backup::ack(Sequence durable) const {
  return {position_.epoch, position_.sequence, std::min(durable, position_.sequence), stamp_};
}

std::uint64_t Backup::lag() const {
  return source_sequence_ > position_.sequence ? raw(source_sequence_) - raw(position_.sequence) : 0;
}

}  // namespace flare
