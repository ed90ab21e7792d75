#include "flared/control_desk.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cmath>
#include <utility>

#include "common/base/printable.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/exptime.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/stats_topic.h"
#include "common/protocol/words.h"
#include "flared/dump.h"
#include "flared/flush_rules.h"
#include "flared/quota.h"
#include "flared/shown_variables.h"
#include "flared/stats.h"
#include "flared/stats_settings.h"

namespace flare {

namespace {

constexpr std::int64_t clock_look_s = 3600;  // a pending flush follows the wall clock, which may be set
constexpr int own_threads = 2;               // control and checkpoint, beside the workers

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::vector<SourceFigures> all_slaves(const NodeAgent& agent) {
  auto slaves = agent.sources().figures();
  const auto originals = agent.original_slaves();
  slaves.insert(slaves.end(), originals.begin(), originals.end());
  return slaves;
}

// Refused where it cannot mean anything; the session answers ERROR.
class RefusedDump final : public Control::Dump {
 public:
  void next(std::function<void(Chunk)> reply) override { reply({std::string{reply::error}, true}); }
};

}  // namespace

ControlDesk::ControlDesk(IoExecutor executor, Storage& storage, BlockingPool& pool, const Clock& clock, Log& log,
                         ExpirySweep::Rhythm sweeping)
    : executor_(executor),
      storage_(storage),
      pool_(pool),
      clock_(clock),
      log_(log),
      flush_timer_(executor),
      started_s_(clock.unix_s()),
      sweep_(
          executor, storage, pool, clock, log, [this] { return agent_->is_leading(); }, sweeping) {}

void ControlDesk::attach(std::vector<std::unique_ptr<Worker>>& workers, NodeAgent& agent) {
  workers_ = &workers;
  agent_ = &agent;
}

void ControlDesk::learn_partitioning(const PartitionMeta& meta, KeyHashAlgorithm algorithm) {
  const std::lock_guard lock{partitioning_mutex_};
  meta_ = meta;
  key_hash_ = algorithm;
}

void ControlDesk::show(const FlaredOptions& options) {
  variables_ = variables_text(options);
  settings_ = settings_stats(options);
  proxy_flush_all_ = options.proxy_flush_all;
}

void ControlDesk::install_map(std::string lines, std::uint64_t version, Reply reply) {
  asio::post(executor_, [this, lines = std::move(lines), version, reply = std::move(reply)] {
    reply(agent_->take_map(lines, MapVersion{version}));
  });
}

void ControlDesk::flush_all(std::int64_t exptime, bool proxied, Reply reply) {
  asio::post(executor_, [this, exptime, proxied, reply = std::move(reply)]() mutable {
    if (flushes_masters(proxy_flush_all_, agent_->own_entry(), proxied)) {
      flush_masters(exptime, std::move(reply));
    } else {
      flush_own(exptime, std::move(reply));
    }
  });
}

void ControlDesk::flush_masters(std::int64_t exptime, Reply reply) {
  auto masters = masters_to_flush(*agent_->view());
  if (!masters) return reply(fmt::format("SERVER_ERROR flush_all was not done: {}\r\n", masters.error()));
  ++flushes_;
  std::make_shared<ClusterFlush>(*passing_on_, exptime, std::move(reply))->run(std::move(*masters));
}

// As memcached: at its moment everything goes that is stored then, and the last flush_all replaces one that is pending.
void ControlDesk::flush_own(std::int64_t exptime, Reply reply) {
  if (auto refusal = agent_->flush_refusal(); !refusal.empty()) return reply(std::move(refusal));
  ++flushes_;
  ++flush_round_;
  flush_timer_.cancel();
  const auto due_s = absolute_expire_s(exptime, clock_.unix_s());
  if (due_s <= clock_.unix_s()) {
    asio::co_spawn(executor_, flush(std::move(reply)), asio::detached);
    return;
  }
  asio::co_spawn(executor_, flush_at(due_s), asio::detached);
  reply(std::string{reply::ok});
}

// What forbids a flush may have come up meanwhile.
IoTask<> ControlDesk::flush_at(std::int64_t due_s) {
  const auto round = flush_round_;
  for (auto now_s = clock_.unix_s(); now_s < due_s; now_s = clock_.unix_s()) {
    flush_timer_.expires_after(std::chrono::seconds{std::min(due_s - now_s, clock_look_s)});
    co_await flush_timer_.async_wait(use_task);
    if (round != flush_round_) co_return;
  }
  if (const auto refusal = agent_->flush_refusal(); !refusal.empty()) {
    log_.warning("the flush_all that was due now is dropped: {}", printable(refusal));
    co_return;
  }
  auto nobody_waits = [](const std::string&) {};
  co_await flush(std::move(nobody_waits));
}

IoTask<> ControlDesk::flush(Reply reply) {
  std::string answer{reply::ok};
  try {
    auto work = [this] { return storage_.flush(); };
    const auto flushed = co_await pool_.run(std::move(work));
    if (!flushed) {
      const bool no_room = flushed.error() == StorageError::out_of_space;
      answer = no_room ? reply::out_of_disk_space : reply::io_error;
      log_.error("flush_all: the store could not be emptied{}",
                 no_room ? ": its disk has no room for a new, empty one" : "");
    }
    if (flushed) workers_->front()->setup().marks.clear();
    if (flushed) log_.notice("flush_all: the store is empty now; what it held is kept aside for a while");
  } catch (const boost::system::system_error&) {
    answer = reply::busy;
  }
  reply(std::move(answer));
}

void ControlDesk::position(std::string words, Reply reply) {
  asio::co_spawn(executor_, answer_position(std::move(words), std::move(reply)), asio::detached);
}

IoTask<> ControlDesk::answer_position(std::string words, Reply reply) {
  std::string answer;
  try {
    answer = co_await agent_->position(std::move(words));
  } catch (const boost::system::system_error&) {
    answer = flare::reply::busy;
  }
  reply(std::move(answer));
}

void ControlDesk::acknowledge_salvage(std::string peer, Reply reply) {
  asio::post(executor_,
             [this, peer = std::move(peer), reply = std::move(reply)] { reply(safety_->acknowledge(peer)); });
}

void ControlDesk::adopt_stream(LooseSocket socket, std::string unread, std::string words, std::string peer) {
  asio::post(executor_, [this, socket = std::move(socket), unread = std::move(unread), words = std::move(words),
                         peer = std::move(peer)]() mutable {
    agent_->adopt_stream(std::move(socket), std::move(unread), std::move(words), std::move(peer));
  });
}

std::shared_ptr<Control::Dump> ControlDesk::begin_dump(const Request& request) {
  DumpSelection selection;
  selection.keys_only = request.command == Command::dump_key;
  selection.bandwidth_kb_s = request.bandwidth_kb_s;
  selection.wait_us = request.wait_us;
  if (request.partition_size > 0 && request.partition >= 0) {
    const std::lock_guard lock{partitioning_mutex_};
    if (request.partition_size >= meta_.partition_size) return std::make_shared<RefusedDump>();  // cluster.md 2.2
    selection.key_hash = key_hash_;
    selection.partition = PartitionId{request.partition};
    selection.row.emplace(meta_, request.partition_size);
  }
  return std::make_shared<StoreDump>(executor_, storage_, pool_, clock_, std::move(selection),
                                     agent_ ? &agent_->dump_starts() : nullptr);
}

void ControlDesk::stats(std::string words, Reply reply) {
  asio::post(executor_, [this, words = std::move(words), reply = std::move(reply)]() mutable {
    const auto topic = stats_topic_from_words(words);
    if (topic == StatsTopic::threads || topic == StatsTopic::threads_request) {
      return thread_list(thread_stats, std::move(reply));
    }
    if (Words{words}.next() == "conns") return thread_list(connection_stats, std::move(reply));
    reply(stats_text(words));
  });
}

std::string ControlDesk::stats_text(std::string_view words) {
  const auto word = Words{words}.next();
  if (word == "replication") {
    return replication_stats(replication_figures());
  }
  if (word == "durability" && safety_) return safety_->stats(storage_);
  if (word == "quota") return quota();
  if (word == "workers") return worker_stats(workers_->size(), storage_.figures(), CounterSums{counters()});
  if (word == "settings") return settings_;
  if (word == "detail") return std::string{reply::no_detail};
  if (word == "reset") {
    reset_stats();
    return std::string{reply::reset};
  }
  const auto topic = stats_topic_from_words(words);
  if (!topic) return std::string{reply::error};
  switch (*topic) {
    case StatsTopic::general:
      return general();
    case StatsTopic::nodes:
      return stats_nodes_text(agent_->view()->map);
    case StatsTopic::doors:
      return keeper_ ? keeper_->stats() : std::string{reply::end};
    case StatsTopic::threads_queue:
      return fmt::format("STAT total_thread_queue {}\r\nEND\r\n", workers_->front()->setup().queue.queued.load());
    case StatsTopic::items:
    case StatsTopic::slabs:
    case StatsTopic::sizes:
    case StatsTopic::threads:
    case StatsTopic::threads_request:
    case StatsTopic::threads_slave:
      return std::string{reply::end};
    case StatsTopic::offers:
      return std::string{reply::error};  // of flarei
  }
  return std::string{reply::error};
}

ReplicationFigures ControlDesk::replication_figures() {
  ReplicationFigures figures;
  figures.position = storage_.position();
  figures.follow = agent_->follower().figures();
  figures.slaves = all_slaves(*agent_);
  figures.snapshots_served = agent_->sources().snapshots_served();
  figures.now = std::chrono::steady_clock::now();
  const auto& keeper = agent_->in_sync_keeper();
  figures.committed = keeper.is_alone() ? storage_.written_sequence() : keeper.committed();
  if (keeper.leads()) figures.in_sync_nodes = keeper.set().in_sync_nodes();
  for (auto& slave : figures.slaves) slave.in_sync = keeper.leads() && keeper.set().is_in_sync(slave.slave);
  return figures;
}

std::string ControlDesk::general() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  GeneralFigures figures;
  figures.pid = ::getpid();
  figures.time_s = clock_.unix_s();
  figures.uptime_s = figures.time_s - started_s_;
  figures.user_s = seconds(usage.ru_utime);
  figures.system_s = seconds(usage.ru_stime);
  figures.storage = storage_.figures();
  figures.threads = workers_->size() + own_threads;
  figures.map_version = raw(agent_->view()->map.version);
  if (safety_) figures.alarms = safety_->alarms();
  figures.follow = agent_->follower().figures();
  figures.now = std::chrono::steady_clock::now();
  if (clusters_) figures.alarms += clusters_->stats();
  const auto others = other_counts();
  figures.bytes_max = storage_.quota().limits().bytes;
  figures.connections_max = static_cast<std::uint64_t>(workers_->front()->setup().places.figures().clients_max);
  figures.refused_connections = others.refused_connections - others_at_reset_.refused_connections;
  figures.flushes = others.flushes - others_at_reset_.flushes;
  figures.reclaimed = others.reclaimed - others_at_reset_.reclaimed;
  return general_stats(figures, CounterSums{counters(), &at_reset_});
}

ControlDesk::OtherCounts ControlDesk::other_counts() const {
  const auto refused = workers_->front()->setup().places.figures().refused;
  return {flushes_, refused, sweep_.reclaimed()};
}

void ControlDesk::reset_stats() {
  remember_for_reset(counters(), at_reset_);
  others_at_reset_ = other_counts();
}

std::string ControlDesk::quota() {
  const auto& setup = workers_->front()->setup();
  const auto& store = storage_.quota();
  QuotaFigures figures;
  figures.limits = store.limits();
  figures.items = store.items();
  figures.bytes = store.bytes();
  figures.operations_max = static_cast<std::uint64_t>(
      std::llround(setup.operations_share.load(std::memory_order_relaxed) * static_cast<double>(workers_->size())));
  figures.connections = setup.places.figures();
  figures.memory_max = setup.memory.max();
  figures.memory = setup.memory.used();
  figures.refused_memory = setup.memory.refused();
  figures.sweeps = sweep_.sweeps();
  figures.reclaimed = sweep_.reclaimed();
  return quota_stats(figures, counters(), setup.tenants ? door_quota_stats(*setup.tenants, store) : std::string{});
}

void ControlDesk::reclaim(std::function<void(bool made_room)> done) {
  asio::post(executor_, [this, done = std::move(done)]() mutable { sweep_.ask(std::move(done)); });
}

// Each worker adds its sessions and passes the list on; the last answers.
void ControlDesk::thread_list(std::function<std::string(const std::vector<ThreadRow>&)> text, Reply reply) {
  struct Gathering {
    std::vector<ThreadRow> rows;
    std::size_t missing;
    std::function<std::string(const std::vector<ThreadRow>&)> text;
    Reply reply;
  };
  auto gathering = std::make_shared<Gathering>(Gathering{{}, workers_->size(), std::move(text), std::move(reply)});
  for (auto& worker : *workers_) {
    worker->list_sessions([this, gathering](std::vector<Worker::SessionFigures> sessions) {
      asio::post(executor_, [gathering, sessions = std::move(sessions)] {
        for (const auto& session : sessions) {
          gathering->rows.push_back(
              {session.id, 1, session.peer, session.operation, session.uptime_s, session.busy ? "execute" : "wait"});
        }
        if (--gathering->missing == 0) gathering->reply(gathering->text(gathering->rows));
      });
    });
  }
}

std::string_view ControlDesk::ailment() {
  if (kept_out_.load(std::memory_order_relaxed)) return not_joined_answer;
  if (time_watcher_ && time_watcher_->too_long()) return "SERVER_ERROR storage access lasts too long\r\n";
  if (agent_->build_incomplete()) return build_incomplete_answer;
  return storage_.figures().failed ? std::string_view{"SERVER_ERROR storage error\r\n"} : std::string_view{};
}

void ControlDesk::kill(std::int32_t id, Reply reply) {
  struct Search {
    std::size_t missing;
    bool found = false;
    Reply reply;
  };
  asio::post(executor_, [this, id, reply = std::move(reply)]() mutable {
    auto search = std::make_shared<Search>(Search{workers_->size(), false, std::move(reply)});
    for (auto& worker : *workers_) {
      worker->kill(id, [this, search](bool found) {
        asio::post(executor_, [search, found] {
          search->found |= found;
          if (--search->missing == 0) search->reply(std::string{search->found ? reply::ok : reply::thread_not_found});
        });
      });
    }
  });
}

void ControlDesk::variables(Reply reply) {
  asio::post(executor_, [this, reply = std::move(reply)] { reply(variables_); });
}

std::vector<const Counters*> ControlDesk::counters() const {
  std::vector<const Counters*> all;
  for (const auto& worker : *workers_) all.push_back(&worker->counters());
  return all;
}

}  // namespace flare
