#include "flared/node_agent.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <set>
#include <utility>

#include "common/cluster/near_node.h"
#include "common/cluster/node_map_text.h"
#include "common/net/descriptor.h"
#include "common/protocol/peer_hello.h"
#include "flared/flush_rules.h"
#include "flared/original_targets.h"
#include "flared/replication/in_sync_members.h"
#include "flared/replication/original_master.h"
#include "flared/replication/version_floor.h"

namespace flare {

namespace {

constexpr std::chrono::seconds tell_deadline{2};
constexpr std::chrono::seconds tell_pause{1};
constexpr std::chrono::seconds leave_patience{2};  // for slaves that are behind

enum class MapError { format, duplicate };

// The whole map or nothing: a bad one must not replace a good one (docs/design.md 5).
Result<NodeMap, MapError> parse_map(std::string_view lines, MapVersion version) {
  NodeMap map;
  map.version = version;
  std::set<ThreadType> thread_types;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    auto line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    auto node = parse_node_line(line);
    if (!node || !take_reign_words(line, *node, map)) return MapError::format;
    if (!thread_types.insert(node->thread_type).second) return MapError::duplicate;
    auto key = node->key();
    if (!map.nodes.emplace(std::move(key), std::move(*node)).second) return MapError::duplicate;
  }
  return map;
}

FollowerOptions follower_options(const NodeAgent::Setup& setup, ReplicatedWrites* originals) {
  FollowerOptions options;
  options.originals = originals;
  options.data_bytes_max = setup.data_bytes_max;
  if (setup.identity) options.introduce = [identity = setup.identity] { return std::optional{identity->greeting()}; };
  return options;
}

OriginalSlavesOptions original_slaves_options(const NodeAgent::Setup& setup) {
  OriginalSlavesOptions options;
  options.bind_address = setup.bind_address;
  if (setup.identity) options.introduce = [identity = setup.identity] { return std::optional{identity->greeting()}; };
  return options;
}

bool same_work(const ReplicationPlan& a, const ReplicationPlan& b) {
  if (a.kind != b.kind || a.partition != b.partition || a.sources.size() != b.sources.size()) return false;
  if (a.kind == ReplicationPlan::Kind::import && a.partitions != b.partitions) return false;
  for (std::size_t i = 0; i < a.sources.size(); ++i) {
    if (a.sources[i].key() != b.sources[i].key()) return false;
  }
  return true;
}

// Both before and after the new partition is active, so that its stream goes on over that moment.
PartitionId partition_among(const RoutingView& view, std::string_view key, int partitions) {
  const auto active = static_cast<int>(view.partitions.active().size());
  if (partitions == active) return view.partitions.partition_of(key);
  if (view.partitions.prepare() && partitions == active + 1) return view.partitions.future_partition_of(key);
  return no_partition;
}

bool is_slave(const std::optional<Node>& node) { return node && node->role == Role::slave; }

bool leads(const ReplicationPlan& plan) {
  return plan.kind == ReplicationPlan::Kind::lead || plan.kind == ReplicationPlan::Kind::import;
}

std::string_view to_text(PartitionMap::Error error) {
  switch (error) {
    case PartitionMap::Error::two_prepare_partitions:
      return "two partitions are preparing";
    case PartitionMap::Error::hole_in_active_map:
      return "a partition number is missing";
    case PartitionMap::Error::prepare_not_next:
      return "the preparing partition is not the next number";
    case PartitionMap::Error::too_many_partitions:
      return "more partitions than partition-size allows";
  }
  return "";
}

}  // namespace

NodeAgent::NodeAgent(IoExecutor executor, Setup setup, Storage& storage, BlockingPool& pool, IndexLink& index, Log& log,
                     Publish publish)
    : executor_(executor),
      setup_(std::move(setup)),
      own_key_(setup_.server_name, setup_.port),
      storage_(storage),
      pool_(pool),
      index_(index),
      log_(log),
      publish_(std::move(publish)),
      view_(std::make_shared<RoutingView>()),
      doubtful_(setup_.doubtful),
      gate_(setup_.gate ? *setup_.gate : own_gate_),
      keeper_(
          executor, own_key_, storage, gate_, log,
          {[this](InSyncSet::Report report) { return tell_in_sync(std::move(report)); }, [this] { tell_committed(); }}),
      replicated_writes_(storage),
      original_slaves_(executor, storage, pool, log, own_key_,
                       {[this](const NodeKey& slave) { return sources_.serves(slave); },
                        [this](NodeKey slave) { return dismiss_slave(std::move(slave)); },
                        [this](const NodeKey& slave, Sequence acknowledged, bool active) {
                          keeper_.on_original_ack(slave, acknowledged, active);
                        }},
                       original_slaves_options(setup_)),
      follower_(executor, storage, pool,
                {[this] { in_sync(); }, [&log](const std::string& text) { log.warning("{}", text); },
                 setup_.store_replaced, [this](Sequence committed) { gate_.commit(committed); },
                 // Else each answer of this slave would wait for a word that never comes.
                 [this](bool original) { original ? gate_.stand_alone() : gate_.forget(); }},
                follower_options(setup_, &replicated_writes_)),
      importer_(executor, storage, pool,
                {[this] { gathered(); }, [&log](const std::string& text) { log.warning("{}", text); },
                 [this] { return reign_; }},
                follower_options(setup_, nullptr)),
      sources_(executor, storage, pool, log,
               {[this](PartitionId partition) { return leading_ && plan_.partition == partition; },
                [this](NodeKey slave, Epoch) { return confirm_slave(std::move(slave)); },
                [this](const NodeKey& slave, Sequence acknowledged) { keeper_.on_ack(slave, acknowledged); },
                [this](const NodeKey& slave) { keeper_.on_rebuild(slave); },
                [this](const NodeKey& slave) { keeper_.on_gone(slave); }, [this] { return gate_.committed(); },
                [this] { return told_epoch(); },
                [this](std::string_view key, int partitions) { return partition_among(*view_, key, partitions); },
                [this](int partitions) { return partitioning(partitions); }, setup_.backup_head,
                [this] {
                  original_slaves_.log_written();
                  if (setup_.log_written) setup_.log_written();
                }},
               SourcesOptions{}) {
  recall_promise();
}

// A slave that knows a later map takes no stream of an earlier one (docs/replication.md 2).
Epoch NodeAgent::told_epoch() const { return std::max(reign_, epoch_of(view_->map, plan_.partition)); }

bool NodeAgent::leads_or_will() const { return leads(plan_); }

// Reads at the slaves wait for it only where they are told to.
void NodeAgent::tell_committed() {
  if (gate_.sync()) sources_.tell_committed();
}

void NodeAgent::joined(IndexLink::Joined joined) {
  joined.map.version = MapVersion{0};
  resumed(std::move(joined));
}

void NodeAgent::resumed(IndexLink::Joined joined) {
  meta_ = joined.meta;
  key_hash_ = joined.key_hash;
  joined_ = true;
  install(std::move(joined.map));
}

std::string NodeAgent::take_map(std::string_view lines, MapVersion version) {
  // An index that has not noticed the restart yet may show this node as the master or slave that it was: a master with
  // a salvaged store would be taken for a better one by slaves that have everything (docs/design.md 3.6).
  if (doubtful_ && !joined_) return std::string{build_incomplete_answer};
  if (version < view_->map.version) {
    log_.warning("map {} ignored: this node has map {}", raw(version), raw(view_->map.version));
    return "SERVER_ERROR node sync error\r\n";
  }
  auto map = parse_map(lines, version);
  if (!map && map.error() == MapError::format) return "CLIENT_ERROR format error\r\n";
  if (!map) {
    log_.error("map {} refused: it shows a node or a thread_type twice", raw(version));
    return "SERVER_ERROR node sync error\r\n";
  }
  if (!map->nodes.contains(own_key_)) {  // docs/design.md 5: an index sends its map to the nodes that are in it
    log_.error("map {} refused: this node, {}, is not in it", raw(version), own_key_.text);
    return "SERVER_ERROR node sync error\r\n";
  }
  install(std::move(*map));
  probe_interval_ = probe_interval_of_map(lines);
  ask_for_cluster_id(lines);
  return "OK\r\n";
}

// A cluster that had no id when this node joined has one now. What came in only makes us ask: nothing is learnt from an
// inbound message (docs/design.md 5).
void NodeAgent::ask_for_cluster_id(std::string_view lines) {
  if (!setup_.identity || !setup_.identity->cluster().cluster.empty()) return;
  if (identity_of_map(lines).cluster.empty() || std::exchange(learning_, true)) return;
  asio::co_spawn(executor_, learn_cluster_id(), asio::detached);
}

IoTask<> NodeAgent::learn_cluster_id() {
  const auto told = co_await index_.ask_identity(tell_deadline);
  learning_ = false;
  if (!told) {
    log_.warning("the cluster id is not known: {}", told.error().text);
    co_return;
  }
  if (const auto adopted = setup_.identity->adopt(told->cluster); !adopted) log_.error("{}", adopted.error());
}

std::optional<Node> NodeAgent::own_entry() const {
  const auto found = view_->map.nodes.find(own_key_);
  if (found == view_->map.nodes.end()) return std::nullopt;
  return found->second;
}

void NodeAgent::install(NodeMap map) {
  const auto before = own_entry();
  auto view = std::make_shared<RoutingView>();
  auto partitions = PartitionMap::make(map, meta_, key_hash_);
  if (partitions) {
    view->partitions = std::move(*partitions);
    if (setup_.prior_netmask > 0) {
      view->partitions.prefer([this](const Node& node) {
        return in_one_network(setup_.server_name, node.server_name, setup_.prior_netmask);
      });
    }
  } else {
    log_.error("map {}: {}; the former partitions stay in force", raw(map.version), to_text(partitions.error()));
    view->partitions = view_->partitions;
  }
  const auto& nodes = view->partitions.nodes();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].key() == own_key_) view->self = i;
  }
  auto plan = plan_replication(before, map, own_key_);
  if (takes_over(view_->map, map, own_key_)) took_over_ = true;
  view->map = std::move(map);
  mark_split(*view);
  const auto own = view->map.nodes.find(own_key_);
  note_build(before, own == view->map.nodes.end() ? std::nullopt : std::optional{own->second});
  view->build_incomplete = own != view->map.nodes.end() && is_unbuilt(own->second);
  build_incomplete_.store(view->build_incomplete, std::memory_order_relaxed);
  view_ = std::move(view);
  const auto now = own_entry();
  const auto is_down = [](const std::optional<Node>& node) { return node && node->state == State::down; };
  if (is_down(before) || is_down(now)) was_down_at_ = std::chrono::steady_clock::now();
  if (now != before && now) {
    log_.notice("map {}: this node is {} {}, partition {}, balance {}", raw(view_->map.version), to_text(now->role),
                to_text(now->state), raw(now->partition), now->balance);
  }
  for (const auto& [partition, reign] : view_->map.reigns) {
    if (now && partition == now->partition) promise_.on_map(partition, reign.epoch);
  }
  carry_out(plan);
  if (leading_) keeper_.on_map(in_sync_members(view_->map, plan_.partition));  // carry_out may have replaced the view
  serve_originals();
}

void NodeAgent::carry_out(const ReplicationPlan& plan) {
  if (leaving_) return;
  if (same_work(plan, plan_)) {
    const bool to_be_told = plan.tell_index_when_done && !plan_.tell_index_when_done;
    plan_.tell_index_when_done = plan.tell_index_when_done;
    if (leading_ || !leads(plan_)) publish_(view_);
    if (taking_over_) gather(masters_beside(view_->map, own_key_));  // one of them may have failed over
    // It may follow already (an old map came late) and be in sync: confirmed anew, so that the index hears of it.
    const bool stopped = follower_.figures().state == FollowState::idle;  // by a promise that this map has ended
    if (to_be_told || stopped) follow_master();
    return;
  }
  const bool led = leading_ && leads(plan) && !plan.new_reign;
  const bool activated = plan_.kind == ReplicationPlan::Kind::import && plan.kind == ReplicationPlan::Kind::lead && led;
  const bool gathers_on = led && plan_.kind == plan.kind && plan.kind == ReplicationPlan::Kind::import;
  plan_ = plan;
  ++round_;
  if (std::exchange(taking_over_, false)) mark_split_anew();
  if (activated) begin_takeover();
  if (!activated && !gathers_on) importer_.stop();
  if (plan.kind != ReplicationPlan::Kind::follow) follower_.stop();
  if (!led) {
    leading_ = false;
    if (!leads(plan)) took_over_ = false;
    sources_.stop_all();
    keeper_.stop();
    plan.kind == ReplicationPlan::Kind::none && !is_slave(own_entry()) ? gate_.stand_alone() : gate_.forget();
  }
  if (leads(plan)) {
    if (led) {
      publish_(view_);
      if (gathers_on) start_import();  // from the next master of a partition that has failed over
    } else {
      mark_split_anew();
      publish_(view_);
      asio::co_spawn(executor_, lead(round_), asio::detached);
    }
    return;
  }
  publish_(view_);
  if (plan.kind == ReplicationPlan::Kind::follow) follow_master();
}

// The new reign's epoch is stored before its first entry (docs/replication.md 2), so the workers hear of it afterwards.
IoTask<> NodeAgent::lead(std::uint64_t round) {
  co_await follower_.stopped();
  if (round != round_) co_return;
  const auto epochs = storage_.epochs();
  const auto highest = epochs.empty() ? 0 : raw(epochs.back().epoch);
  // Of an original index the map's version stands for it (docs/replication.md 2).
  const auto known = view_->map.reigns.empty() ? raw(view_->map.version) : raw(epoch_of(view_->map, plan_.partition));
  const Epoch epoch{std::max(known, highest + 1)};
  if (const auto stored = storage_.set_epoch(epoch); !stored) {
    log_.error("epoch {} cannot be stored in the update log: this node takes no writes as master", raw(epoch));
    co_return;
  }
  co_await settle_versions(epoch);
  if (round != round_) co_return;
  leading_ = true;
  reign_ = epoch;
  keeper_.lead(in_sync_members(view_->map, plan_.partition));
  log_.notice("master of partition {} in epoch {}", raw(plan_.partition), raw(epoch));
  mark_split_anew();
  publish_(view_);
  serve_originals();
  if (plan_.kind != ReplicationPlan::Kind::import) co_return;
  // What an original master sends here before the workers know of the new partition goes back to it: it has to be in
  // its dump.
  while (round == round_ && !co_await workers_settled()) {
  }
  if (round == round_) start_import();
}

IoTask<> NodeAgent::tell_index(std::uint64_t round, std::string state) {
  Timer pause{executor_};
  while (round == round_ && plan_.tell_index_when_done && !leaving_) {
    auto request = fmt::format("node state {} {} {}", setup_.server_name, setup_.port, state);
    const auto told = co_await index_.tell(std::move(request), tell_deadline);
    if (told || round != round_) co_return;
    log_.warning("{}", told.error().text);
    pause.expires_after(tell_pause);
    co_await pause.async_wait(use_task);
    if (round != round_ || plan_.kind != ReplicationPlan::Kind::follow) continue;
    if (told.error().kind != IndexLink::Failure::Kind::refused) continue;
    // An index that was restarted has forgotten what our master confirmed: let it be confirmed anew.
    follow_master();
    co_return;
  }
}

// Maps can be missed, so a master counts as unbuilt only if it was seen active as a slave before: an original index
// makes active, and promotes, whom it is told to (docs/spec/cluster.md 1.5).
void NodeAgent::note_build(const std::optional<Node>& before, const std::optional<Node>& now) {
  if (!now || now->role == Role::proxy) {
    building_ = false;
  } else if (now->role == Role::slave) {
    const bool was = before && before->role == Role::slave && before->partition == now->partition;
    if (now->state == State::prepare && !(was && before->state == State::prepare)) building_ = true;
  } else {
    const bool promoted = before && before->role == Role::slave && before->state == State::active;
    if (!promoted && !(before && before->role == Role::master)) building_ = false;
  }
}

bool NodeAgent::is_unbuilt(const Node& own) const {
  if (own.state != State::active) return false;
  return own.role == Role::slave ? doubtful_ || building_ : own.role == Role::master && building_;
}

void NodeAgent::build_confirmed() {
  const bool doubtful = std::exchange(doubtful_, false);
  if (!(std::exchange(building_, false) || doubtful) || !view_->build_incomplete) return;
  auto view = std::make_shared<RoutingView>(*view_);
  view->build_incomplete = false;
  build_incomplete_.store(false, std::memory_order_relaxed);
  view_ = std::move(view);
  publish_(view_);
}

void NodeAgent::in_sync() {
  build_confirmed();
  if (plan_.tell_index_when_done) asio::co_spawn(executor_, tell_index(round_, "active"), asio::detached);
}

void NodeAgent::gathered() {
  if (plan_.tell_index_when_done) asio::co_spawn(executor_, tell_index(round_, "ready"), asio::detached);
}

IoTask<bool> NodeAgent::confirm_slave(NodeKey slave) {
  const auto found = view_->map.nodes.find(slave);
  if (!leading_ || found == view_->map.nodes.end() || found->second.role != Role::slave) co_return false;
  co_return co_await keeper_.join(std::move(slave));
}

IoTask<InSyncSet::Outcome> NodeAgent::tell_in_sync(InSyncSet::Report report) {
  const auto found = view_->map.nodes.find(report.slave);
  if (found == view_->map.nodes.end()) co_return InSyncSet::Outcome::refused;
  // An original index keeps no in-sync set: there a slave is none to be promoted when it is none (replication.md 8).
  const bool dismiss = !report.joins && !view_->map.reigns.contains(plan_.partition);
  auto request = dismiss ? fmt::format("node role {} {} proxy 0 -1", found->second.server_name, found->second.port)
                         : fmt::format("node insync {} {} {} {}", found->second.server_name, found->second.port,
                                       raw(report.epoch), report.joins ? 1 : 0);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (told) co_return InSyncSet::Outcome::stored;
  // An original index knows no `node insync`: it takes the slave's own word (cluster.md 1.5).
  const bool refused = told.error().kind == IndexLink::Failure::Kind::refused;
  if (refused && told.error().text.find("'ERROR'") != std::string::npos) co_return InSyncSet::Outcome::not_a_thing;
  log_.warning("{}", told.error().text);
  co_return refused ? InSyncSet::Outcome::refused : InSyncSet::Outcome::unknown;
}

void NodeAgent::adopt_stream(int descriptor, std::string unread, std::string line, std::string peer) {
  StreamSocket socket{executor_};
  error_code error;
  socket.assign(protocol_of(descriptor), descriptor, error);
  if (error) {
    ::close(descriptor);
    return;
  }
  if (line.starts_with("repl handover ")) {
    asio::co_spawn(executor_, hand_over(std::move(socket), std::move(line), std::move(peer)), asio::detached);
    return;
  }
  sources_.adopt(std::move(socket), std::move(unread), std::move(line), std::move(peer));
}

std::string NodeAgent::flush_refusal() const {
  std::optional<std::chrono::steady_clock::duration> since_down;
  if (was_down_at_) since_down = std::chrono::steady_clock::now() - *was_down_at_;
  return std::string{flare::flush_refusal(own_entry(), since_down)};
}

bool NodeAgent::slaves_have_all() const {
  const auto last = storage_.written_sequence();
  for (const auto& slave : original_slaves_.figures()) {
    if (slave.acknowledged < last) return false;
  }
  for (const auto& slave : sources_.figures()) {
    if (slave.state == SourceState::stream && slave.acknowledged < last) return false;
  }
  return true;
}

IoTask<> NodeAgent::leave() {
  leaving_ = true;
  ++round_;
  Timer pause{executor_};
  const auto patience = std::chrono::steady_clock::now() + leave_patience;
  while (((leading_ && !slaves_have_all()) || original_slaves_.are_finishing()) &&
         std::chrono::steady_clock::now() < patience) {
    pause.expires_after(std::chrono::milliseconds{10});
    co_await pause.async_wait(use_task);
  }
  auto request = fmt::format("shutdown {} {}", setup_.server_name, setup_.port);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (!told) log_.warning("{}; the monitor will notice that this node is gone", told.error().text);
  importer_.stop();
  follower_.stop();
  sources_.stop_all();
  original_slaves_.stop_all();
  co_await follower_.stopped();
}

void NodeAgent::set_pace(int bandwidth_kb_s, std::chrono::microseconds interval) {
  const auto bandwidth = static_cast<std::uint64_t>(bandwidth_kb_s);
  sources_.set_pace(bandwidth, interval);
  follower_.set_pace(DumpPace{interval, bandwidth});
  importer_.set_pace(DumpPace{interval, bandwidth});
}

// Every slave that the map shows, whatever it is: who is of ours comes by itself, and is left alone.
void NodeAgent::serve_originals() {
  std::vector<OriginalSlaves::Target> targets;
  if (leading_ && !leaving_) targets = targets_of_master(*view_, own_key_);
  original_slaves_.serve(std::move(targets));
}

// As an original does with itself when its build has failed (cluster.md 1.2).
IoTask<bool> NodeAgent::dismiss_slave(NodeKey slave) {
  const auto found = view_->map.nodes.find(slave);
  if (!leading_ || found == view_->map.nodes.end() || found->second.role != Role::slave) co_return false;
  auto request = fmt::format("node role {} {} proxy 0 -1", found->second.server_name, found->second.port);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (!told) log_.warning("{}", told.error().text);
  co_return told.has_value();
}

}  // namespace flare
