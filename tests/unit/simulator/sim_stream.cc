// Both ends of a stream: the master's side of each slave, and the slave's side.
#include <algorithm>
#include <utility>

#include "unit/simulator/sim_node.h"

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr int entries_at_once = 20;
constexpr auto reconnect_after = 100ms;

}  // namespace

void Node::send(const std::shared_ptr<Connection>& connection, std::string bytes, const NodeKey& to) {
  auto* const other = surroundings_.node(to);
  connection->send(place_, [other, connection, bytes = std::move(bytes)] {
    other->process([other, connection, bytes] { other->on_stream(connection, bytes); });
  });
}

void Node::on_hello(std::shared_ptr<Connection> connection, Hello hello) {
  process([this, connection = std::move(connection), hello = std::move(hello)] {
    if (!connection->is_open()) return;
    if (!leading_ || hello.partition != plan_.partition) return connection->close();
    drop_slave(hello.slave);
    const auto& from = hello.position;
    const auto needed = sequence_needed(hello, store_.position(), store_.epochs());
    const bool reaches_back = needed >= store_.begin.sequence && needed <= store_.written_sequence();
    auto decision = decide_start(hello, store_.position(), store_.epochs(), reaches_back, reign_);
    if (settings_.plant == Plant::epoch_not_checked && reaches_back) decision.kind = StartDecision::Kind::resume;
    switch (decision.kind) {
      case StartDecision::Kind::refused:
        return connection->close();
      case StartDecision::Kind::resume:
        return resume(hello.slave, connection, from);
      case StartDecision::Kind::keys: {
        std::string out;
        stream::append(out, stream::Common{decision.common});
        return send(connection, std::move(out), hello.slave);
      }
      case StartDecision::Kind::snapshot:
        return send_snapshot(hello.slave, connection);
    }
  });
}

void Node::resume(const NodeKey& name, const std::shared_ptr<Connection>& connection, const Position& from) {
  slaves_.emplace(name, Slave{connection, Primary{from.sequence, false, network_.now()}});
  std::string out;
  stream::append(out, stream::Ok{from});
  append_ping(out);
  send(connection, std::move(out), name);
}

void Node::append_ping(std::string& out) const {
  stream::append(out, stream::Ping{std::max(reign_, store_.position().epoch), store_.written_sequence(), 1});
}

// No keys: the slave wants a snapshot.
void Node::on_keys(const NodeKey& name, const std::shared_ptr<Connection>& connection, const Position& common,
                   std::vector<std::string> keys) {
  process([this, name, connection, common, keys = std::move(keys)] {
    if (!connection->is_open()) return;
    if (!leading_) return connection->close();
    drop_slave(name);
    if (keys.empty()) return send_snapshot(name, connection);
    in_sync_.on_rebuild(name);
    slaves_.emplace(name, Slave{connection, Primary{common.sequence, true, network_.now()}, false});
    std::string out;
    append_ping(out);
    send(connection, std::move(out), name);
    give_keys_on(name, connection, std::make_shared<KeyScan>(KeyScan{keys, 0, {}}));
  });
}

// One key at a time, while clients write.
void Node::give_keys_on(const NodeKey& name, const std::shared_ptr<Connection>& connection,
                        const std::shared_ptr<KeyScan>& scan) {
  std::string out;
  const auto& key = scan->keys[scan->done++];
  if (const auto found = store_.records.find(key); found != store_.records.end()) {
    stream::append(out, stream::Record{key, {0, 0, RecordVersion{1}, found->second}});
  } else {
    stream::append(out, stream::Deleted{key, RecordVersion{0}, 0});
  }
  scan->checksum.add(out);
  const auto slave = slaves_.find(name);
  if (scan->done == scan->keys.size() && slave != slaves_.end() && slave->second.connection == connection) {
    const auto exact_at = store_.position().sequence;
    write_log();
    stream::append(out, stream::KeysEnd{exact_at, scan->done, scan->checksum.value()});
    slave->second.primary.must_reach(exact_at);
    slave->second.primary.on_snapshot_sent(network_.now());
    slave->second.complete = true;
  }
  send(connection, std::move(out), name);
  if (scan->done == scan->keys.size()) return;
  network_.after(std::chrono::microseconds{network_.pick(10'000)}, [this, name, connection, scan, life = life_] {
    if (life != life_ || !connection->is_open()) return;
    process([this, name, connection, scan] {
      if (connection->is_open()) give_keys_on(name, connection, scan);
    });
  });
}

// In pieces, while clients write: what a scan finds is of different moments, and the log makes it exact.
void Node::send_snapshot(const NodeKey& name, const std::shared_ptr<Connection>& connection) {
  write_log();
  const auto position = store_.position();
  in_sync_.on_rebuild(name);
  slaves_.emplace(name, Slave{connection, Primary{position.sequence, true, network_.now()}, false});
  std::string out;
  stream::append(out, stream::SnapshotBegin{position, store_.epochs(), store_.records.size()});
  append_ping(out);
  send(connection, std::move(out), name);
  scan_on(name, connection, std::make_shared<Scan>());
}

void Node::scan_on(const NodeKey& name, const std::shared_ptr<Connection>& connection,
                   const std::shared_ptr<Scan>& scan) {
  std::string out;
  for (int i = 0; i < 5; ++i) {
    const auto found = scan->began ? store_.records.upper_bound(scan->last) : store_.records.begin();
    if (found == store_.records.end()) {
      scan->ended = true;
      break;
    }
    scan->began = true;
    scan->last = found->first;
    std::string bytes;
    stream::append(bytes, stream::Record{found->first, {0, 0, RecordVersion{1}, found->second}});
    scan->checksum.add(bytes);
    ++scan->count;
    out += bytes;
  }
  if (scan->ended) {
    write_log();
    stream::append(out, stream::SnapshotEnd{scan->count, scan->checksum.value()});
  }
  send(connection, std::move(out), name);
  if (scan->ended) {
    const auto slave = slaves_.find(name);
    if (slave != slaves_.end() && slave->second.connection == connection) {
      slave->second.primary.on_snapshot_sent(network_.now());
      slave->second.complete = true;
    }
    return;
  }
  network_.after(1ms + std::chrono::microseconds{network_.pick(20'000)}, [this, name, connection, scan, life = life_] {
    if (life != life_ || !connection->is_open()) return;
    process([this, name, connection, scan] {
      if (connection->is_open()) scan_on(name, connection, scan);
    });
  });
}

void Node::stream_to(const NodeKey& name) {
  const auto found = slaves_.find(name);
  if (found == slaves_.end()) return;
  auto& slave = found->second;
  if (!slave.connection->is_open()) return drop_slave(name);
  std::string out;
  if (slave.complete) {
    if (slave.primary.sent() < store_.begin.sequence) return drop_slave(name);  // trimmed away: a snapshot is due
    auto at = raw(slave.primary.sent()) - raw(store_.begin.sequence);
    for (int i = 0; i < entries_at_once && at < store_.written; ++i, ++at) {
      auto entry = store_.log[at].entry;
      entry.key = store_.log[at].key;
      entry.data = store_.log[at].data;
      stream::append(out, stream::Entry{entry});
      slave.primary.on_sent(entry.sequence);
    }
  }
  const auto actions = slave.primary.on_timer(store_.written_sequence(), network_.now());
  if (!out.empty()) send(slave.connection, std::move(out), name);
  obey(name, actions);
}

void Node::obey(const NodeKey& name, const Primary::Actions& actions) {
  const auto found = slaves_.find(name);
  if (found == slaves_.end()) return;
  if (actions.close) return drop_slave(name);
  if (actions.ping) {
    std::string out;
    append_ping(out);
    send(found->second.connection, std::move(out), name);
  }
  if (actions.confirm) {
    found->second.caught_up = true;
    if (settings_.plant == Plant::joiner_not_waited_for) {
      surroundings_.tell_in_sync(*this, name, epoch_known(), true, [](bool) {});
    } else {
      in_sync_.on_caught_up(name, store_.written_sequence(), network_.now());
    }
  }
  if (actions.insync) {
    std::string out;
    stream::append(out, stream::InSync{reign_, found->second.primary.sent()});
    send(found->second.connection, std::move(out), name);
  }
}

void Node::drop_slave(const NodeKey& name) {
  const auto found = slaves_.find(name);
  if (found == slaves_.end()) return;
  found->second.connection->close();
  slaves_.erase(found);
  in_sync_.on_gone(name);
}

void Node::on_ack(const NodeKey& name, const std::shared_ptr<Connection>& connection, stream::Ack ack) {
  process([this, name, connection, ack] {
    const auto found = slaves_.find(name);
    if (found == slaves_.end() || found->second.connection != connection) return;
    const auto actions = found->second.primary.on_message(ack, store_.written_sequence(), network_.now());
    in_sync_.on_ack(name, ack.sequence, store_.written_sequence(), network_.now());
    obey(name, actions);
    answer_writes();
  });
}

void Node::connect_to_master() {
  const auto master = plan_.sources.front().key();
  auto* const source = surroundings_.node(master);
  if (source == nullptr) return;
  connect_at_ = network_.now() + reconnect_after + std::chrono::milliseconds{network_.pick(200)};
  auto connection = std::make_shared<Connection>(network_, place_, source->place());
  const bool keys_due = !store_.inexact_keys().empty();
  const Hello hello{plan_.partition, plan_.partitions, store_.position(), store_.epochs(), key_, keys_due};
  following_.emplace(Following{connection,
                               source,
                               Backup{store_.position(), epoch_known(), store_.epochs()},
                               stream::Decoder{1000},
                               {},
                               network_.now()});
  fetched_.clear();
  if (settings_.plant != Plant::stale_snapshot_swapped_in) replacement_.clear();
  connection->send(place_, [source, connection, hello] { source->on_hello(connection, hello); });
}

void Node::on_stream(const std::shared_ptr<Connection>& connection, const std::string& bytes) {
  if (!following_ || following_->connection != connection) return;
  following_->heard = network_.now();
  following_->unread += bytes;
  std::string_view unread{following_->unread};
  while (following_) {
    const auto decoded = following_->decoder.next(unread);
    if (!decoded) return stop_following();
    if (!*decoded) break;
    act(following_->backup.on_message(**decoded));
  }
  if (!following_) return;
  following_->unread.erase(0, following_->unread.size() - unread.size());
  if (following_->backup.state() != Backup::State::streaming) return;
  store_.write_log();
  const auto ack = following_->backup.ack(store_.written_sequence());
  auto* const source = following_->source;
  connection->send(place_, [source, connection, ack, name = key_] { source->on_ack(name, connection, ack); });
}

void Node::act(const Backup::Action& action) {
  if (std::holds_alternative<Backup::Refuse>(action)) return stop_following();
  if (std::holds_alternative<Backup::BeginSnapshot>(action) && settings_.plant != Plant::stale_snapshot_swapped_in) {
    replacement_.clear();
  }
  if (std::holds_alternative<Backup::Confirmed>(action)) {
    following_->confirmed = true;
    if (plan_.tell_index_when_done) report_active();
  }
  if (const auto* put = std::get_if<Backup::Put>(&action)) {
    const bool fetches = following_->backup.state() == Backup::State::fetching;
    (fetches ? fetched_ : replacement_)[std::string{put->record.key}] = std::string{put->record.record.data};
  }
  if (const auto* gone = std::get_if<Backup::PutDeletion>(&action)) fetched_[std::string{gone->deleted.key}] = {};
  if (const auto* fetch = std::get_if<Backup::FetchKeys>(&action)) fetch_keys(fetch->common);
  if (const auto* keys = std::get_if<Backup::Correct>(&action)) correct(*keys);
  if (const auto* commit = std::get_if<Backup::Commit>(&action)) {
    const auto epoch = store_.epoch;
    store_ = {};
    store_.epoch = epoch;
    store_.log_id = commit->position.log_id;
    store_.begin = commit->position;
    store_.epochs_at_begin = commit->epochs;
    store_.records = store_.at_begin = replacement_;
  }
  if (const auto* apply = std::get_if<Backup::Apply>(&action)) store_.append(apply->entry);
}

void Node::fetch_keys(const Position& common) {
  auto keys = store_.keys_behind(common).value_or(std::vector<std::string>{});
  if (settings_.plant == Plant::surplus_key_not_fetched && keys.size() > 1) keys.pop_back();
  if (keys.empty()) following_->backup.asks_whole();
  if (!keys.empty()) following_->backup.asks_for(keys);
  auto* const source = following_->source;
  const auto& connection = following_->connection;
  connection->send(
      place_, [source, connection, common, keys, name = key_] { source->on_keys(name, connection, common, keys); });
}

void Node::correct(const Backup::Correct& correct) {
  ++corrections_;
  const auto before = store_;
  store_.correct(correct.common, correct.exact_at, std::exchange(fetched_, {}));
  if (settings_.plant != Plant::surplus_kept_in_log) return;
  auto corrected = store_.records;
  store_ = before;
  store_.records = std::move(corrected);
}

void Node::stop_following() {
  if (following_) following_->connection->close();
  following_.reset();
}

}  // namespace flare::sim
