#include "flared/node_agent.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/net/descriptor.h"
#include "flared/flush_rules.h"
#include "flared/replication/in_sync_members.h"
#include "flared/replication/original_master.h"

namespace flare {

namespace {

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

// Both before and after the new partition is active, so that its stream goes on over that moment.
PartitionId partition_among(const RoutingView& view, std::string_view key, int partitions) {
  const auto active = static_cast<int>(view.partitions.active().size());
  if (partitions == active) return view.partitions.partition_of(key);
  if (view.partitions.prepare() && partitions == active + 1) return view.partitions.future_partition_of(key);
  return no_partition;
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

std::optional<Node> NodeAgent::own_entry() const {
  const auto found = view_->map.nodes.find(own_key_);
  if (found == view_->map.nodes.end()) return std::nullopt;
  return found->second;
}

void NodeAgent::adopt_stream(LooseSocket loose, std::string unread, std::string line, std::string peer) {
  StreamSocket socket{executor_};
  error_code error;
  socket.attach(std::move(loose), error);
  if (error) return;
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

void NodeAgent::set_pace(int bandwidth_kb_s, std::chrono::microseconds interval) {
  const auto bandwidth = static_cast<std::uint64_t>(bandwidth_kb_s);
  sources_.set_pace(bandwidth, interval);
  follower_.set_pace(DumpPace{interval, bandwidth});
  importer_.set_pace(DumpPace{interval, bandwidth});
}

}  // namespace flare
