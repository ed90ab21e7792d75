// A new partition: its master gathers keys, takes them over when it is active, and the former masters hand them over
// (docs/replication.md 7).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/key_hash.h"
#include "common/net/client.h"
#include "flared/node_agent.h"
#include "flared/replication/hello.h"

namespace flare {

namespace {

constexpr std::chrono::seconds takeover_patience{5};  // for the former masters; requests wait so long at most
constexpr std::chrono::seconds settle_deadline{2};    // of one turn of each worker, and one write of the log
constexpr std::chrono::milliseconds written_look{5};

std::optional<Node> master_of(const PartitionMap& partitions, PartitionId id) {
  const auto number = static_cast<std::size_t>(raw(id));
  const Partition* partition = nullptr;
  if (number < partitions.active().size()) partition = &partitions.active()[number];
  if (number == partitions.active().size() && partitions.prepare()) partition = &*partitions.prepare();
  if (!partition || !partition->master) return std::nullopt;
  return partitions.nodes()[*partition->master];
}

}  // namespace

std::function<PartitionId(std::string_view)> NodeAgent::partitioning(int partitions) const {
  return [row = ModularRow{meta_, partitions}, algorithm = key_hash_](std::string_view key) {
    return row.partition_of(key_hash(algorithm, key));
  };
}

void NodeAgent::start_import() {
  if (plan_.sources.empty()) {
    asio::co_spawn(executor_, tell_index(round_, "ready"), asio::detached);
    return;
  }
  gather(plan_.sources);
}

void NodeAgent::gather(const std::vector<Node>& sources) {
  std::vector<Importer::Target> targets;
  for (const auto& source : sources) {
    targets.push_back({source.server_name, source.port, plan_.partition, plan_.partitions, own_key_,
                       setup_.bind_address, source.partition});
  }
  importer_.gather(std::move(targets), partitioning(plan_.partitions - 1));
}

// The former masters may hear of the new partition later than this node, and than who asks it. So they are asked to
// hand its keys over, and until all have, what is asked of this node waits.
void NodeAgent::begin_takeover() {
  taking_over_ = true;
  mark_split_anew();
  asio::co_spawn(executor_, end_import(round_), asio::detached);
}

IoTask<> NodeAgent::end_import(std::uint64_t round) {
  const auto begun = std::chrono::steady_clock::now();
  const bool complete = co_await importer_.take_over(takeover_patience);
  if (round != round_) co_return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  log_.notice("partition {} is taken over{} in {} ms", raw(plan_.partition), complete ? "" : ", but not from all,",
              took.count());
  importer_.stop();
  taking_over_ = false;
  mark_split_anew();
  publish_(view_);
}

void NodeAgent::mark_split(RoutingView& view) const {
  // A master whose epoch is not stored yet holds what it is asked, too: who asks would be sent to and fro otherwise.
  view.taking_over = taking_over_ || (leads_or_will() && !leading_);
  view.departing = leading_ && departure_.holds(std::chrono::steady_clock::now());
  const auto preparing = PartitionId(view.partitions.active().size());
  const auto master =
      handed_over_to_ && handed_over_to_->partition == preparing ? master_of(view.partitions, preparing) : std::nullopt;
  view.handed_over = master && master->key() == handed_over_to_->key();
}

void NodeAgent::mark_split_anew() {
  auto marked = std::make_shared<RoutingView>(*view_);
  mark_split(*marked);
  view_ = std::move(marked);
}

IoTask<> NodeAgent::hand_over(StreamSocket socket, std::string line, std::string peer) {
  PeerClient client{std::move(socket), {}};
  auto answer = co_await grant_handover(std::move(line), std::move(peer));
  answer += "\r\n";
  const auto written = co_await client.write(answer, limits::peer_write_deadline);
  if (!written) log_.warning("a handover could not be answered: {}", written.error().message());
}

// From the answer on no worker executes anything for a key that has moved, whatever map it has: behind the position
// stands nothing that the new master must have.
IoTask<std::string> NodeAgent::grant_handover(std::string line, std::string peer) {
  const auto asked = parse_handover(line);
  if (!asked) co_return "CLIENT_ERROR " + asked.error();
  if (!leading_ || plan_.partition == asked->partition) co_return "SERVER_ERROR not master";
  auto master = master_of(view_->partitions, asked->partition);
  if (!master || master->key() != asked->slave) co_return "SERVER_ERROR not the master of that partition here";
  log_.notice("the keys of partition {} are handed over to {} ({})", raw(asked->partition), asked->slave.text, peer);
  handed_over_to_ = std::move(master);
  mark_split_anew();
  publish_(view_);
  if (!co_await workers_settled()) co_return "SERVER_ERROR not handed over: the workers are busy";
  const auto last = storage_.position();
  const auto until = std::chrono::steady_clock::now() + settle_deadline;
  Timer look{executor_};
  while (storage_.written_sequence() < last.sequence && std::chrono::steady_clock::now() < until) {
    look.expires_after(written_look);
    co_await look.async_wait(use_task);
  }
  if (storage_.written_sequence() < last.sequence) co_return "SERVER_ERROR not handed over: the log is not written";
  sources_.ping_importers();
  co_return format_handover_answer(last);
}

IoTask<bool> NodeAgent::workers_settled() {
  if (!setup_.settle) co_return true;
  const auto settled = std::make_shared<Timer>(executor_);
  settled->expires_after(settle_deadline);
  auto done = [settled] { settled->cancel(); };
  setup_.settle(std::move(done));
  const auto [error] = co_await settled->async_wait(use_task);
  co_return error == asio::error::operation_aborted;
}

}  // namespace flare
