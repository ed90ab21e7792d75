#include "flarei/index_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/printable.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/reply_writer.h"
#include "flarei/map_query.h"
#include "flarei/session_table.h"
#include "flarei/version.h"

namespace flare {

namespace {

constexpr std::string_view state_failure = "SERVER_ERROR failed to set state\r\n";
constexpr std::string_view shutdown_failure = "SERVER_ERROR failed to shutdown\r\n";

NodeKey master_of(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  const auto* master = found == map.nodes.end() ? nullptr : living_master(map, found->second.partition);
  return master ? master->key() : NodeKey{};
}

bool says_goodbye(const IndexRequest& request) {
  if (request.command == IndexCommand::shutdown) return true;
  return request.command == IndexCommand::node_state && request.state == State::down;
}

std::chrono::seconds age(std::chrono::steady_clock::time_point since, std::chrono::steady_clock::time_point now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now - since);
}

}  // namespace

IndexService::IndexService(Index& index, NodeMonitors& monitors, SessionTable& sessions, const FlareiOptions& options,
                           const Clock& clock, OwnIdentity* identity)
    : index_(index),
      monitors_(monitors),
      sessions_(sessions),
      options_(options),
      clock_(clock),
      identity_(identity),
      started_at_(clock.steady()) {}

IoTask<> IndexService::answer(const IndexRequest& request, IndexPeer& peer, std::string& out) {
  if (request.command == IndexCommand::hello) {
    answer_hello(request, peer, out);
  } else if (refuses(request, peer, out)) {
    co_return;
  } else if (request.command == IndexCommand::node_add) {
    auto start_id = peer.start_id;
    co_await answer_node_add(request, std::move(start_id), out);
  } else if (succession_ && says_goodbye(request)) {
    co_await answer_goodbye(request, out);
  } else {
    answer_at_once(request, out);
  }
}

void IndexService::answer_hello(const IndexRequest& request, IndexPeer& peer, std::string& out) {
  if (!identity_) {
    out += reply::error;
    return;
  }
  const auto answer = identity_->answer_hello(request.rest, peer.address);
  peer.foreign = !answer.kin;
  peer.start_id = answer.start_id;
  peer.other_cluster = answer.other_cluster;
  out += answer.line;
}

// docs/design.md 5: a foreign daemon is refused whatever it asks; with require-identity a node must have said hello.
bool IndexService::refuses(const IndexRequest& request, const IndexPeer& peer, std::string& out) const {
  if (request.command == IndexCommand::quit) return false;
  // An index without a map may have lost even its cluster id: what nodes of its tenant offer is kept for an operator.
  const bool offers = request.command == IndexCommand::node_offer && !peer.other_cluster.empty();
  if (peer.foreign && offers && index_.map().nodes.empty()) return false;
  if (peer.foreign) {
    out += fmt::format("{}\r\n", foreign_answer);
    return true;
  }
  const bool unnamed = request.command == IndexCommand::node_add && peer.start_id.empty();
  if (!unnamed || !identity_ || !identity_->required()) return false;
  out += "SERVER_ERROR identity required: this index takes no node that says no hello (option require-identity)\r\n";
  return true;
}

// The slaves may have to be asked first, for up to Handover::patience.
IoTask<> IndexService::answer_goodbye(const IndexRequest& request, std::string& out) {
  const bool shutdown = request.command == IndexCommand::shutdown;
  auto key = request.key();
  const auto goodbye = shutdown ? Succession::Goodbye::shutdown : Succession::Goodbye::node_state_down;
  const auto gone = co_await succession_->let_go(std::move(key), goodbye);
  const auto failure = shutdown ? shutdown_failure : state_failure;
  out += gone ? reply::ok : failure;
}

// `start_id`: of the process that asks; empty: it told none.
IoTask<> IndexService::answer_node_add(const IndexRequest& request, std::string start_id, std::string& out) {
  const auto key = request.key();
  const auto monitor = monitors_.find(key);
  bool gone = false;
  if (monitor && !index_.is_down(key)) gone = co_await monitor->proven_gone(std::move(start_id));
  // The map may be another one by now; a node that has been marked down meanwhile is added as such.
  const auto restarted = gone && index_.map().nodes.contains(key) && !index_.is_down(key);
  if (monitor && (restarted || index_.is_down(key))) monitor->forget_old_process();
  bool added = false;
  if (restarted) {
    auto again = key;
    const auto done = succession_ ? co_await succession_->restart(std::move(again)) : index_.restart(key);
    added = done.has_value();
  }
  // It may have been marked down meanwhile.
  const bool is_new = !restarted || index_.is_down(key);
  if (!added && is_new) added = index_.add(request.server_name, request.port).has_value();
  out += added ? node_lines(index_.map()) : "SERVER_ERROR failed to add node\r\n";
}

void IndexService::answer_at_once(const IndexRequest& request, std::string& out) {
  switch (request.command) {
    case IndexCommand::ping:
      out += reply::ok;
      return;
    case IndexCommand::stats:
      answer_stats(request.topic, out);
      return;
    case IndexCommand::kill:
      out += sessions_.kill(request.kill_id) ? reply::ok : reply::thread_not_found;
      return;
    case IndexCommand::quit:
      return;  // the session closes
    case IndexCommand::meta:
      append_meta(out, options_.partition_meta(), options_.key_hash_algorithm);
      if (identity_) append_identity_meta(out, identity_->cluster());
      out += reply::end;
      return;
    case IndexCommand::verbosity:
      if (!request.noreply) out += reply::ok;
      return;
    case IndexCommand::version:
      out += "VERSION ";
      out += version_number;
      out += "\r\n";
      return;
    case IndexCommand::show:
      append_variables(out, options_);
      out += reply::end;
      return;
    case IndexCommand::node_add:
    case IndexCommand::node_role:
    case IndexCommand::node_state:
    case IndexCommand::node_remove:
    case IndexCommand::node_insync:
    case IndexCommand::node_offer:
    case IndexCommand::node_adopt:
    case IndexCommand::shutdown:
      answer_node_request(request, out);
      return;
    case IndexCommand::hello:
      return;  // answered by `answer`
  }
}

void IndexService::answer_node_request(const IndexRequest& request, std::string& out) {
  const auto answer = [&out](const Index::Answer& done, std::string_view failure) {
    out += done ? reply::ok : failure;
  };
  switch (request.command) {
    case IndexCommand::node_role:
      answer(set_role(request), "SERVER_ERROR failed to set role (and balance)\r\n");
      return;
    case IndexCommand::node_state:
      answer(set_state(request), state_failure);
      return;
    case IndexCommand::node_insync:
      answer(index_.set_in_sync(request.key(), request.epoch, request.in_sync), state_failure);
      return;
    case IndexCommand::node_offer:
      out += index_.may_adopt() ? offer_wanted : reply::ok;
      return;
    case IndexCommand::node_adopt:
      answer(adopt(request), "SERVER_ERROR failed to adopt a map\r\n");
      return;
    case IndexCommand::node_remove:
      answer(index_.remove(request.key()), "SERVER_ERROR failed to remove node\r\n");
      return;
    case IndexCommand::shutdown:
      answer(index_.shutdown(request.key()), shutdown_failure);
      return;
    case IndexCommand::ping:
    case IndexCommand::stats:
    case IndexCommand::node_add:
    case IndexCommand::kill:
    case IndexCommand::quit:
    case IndexCommand::meta:
    case IndexCommand::verbosity:
    case IndexCommand::version:
    case IndexCommand::show:
    case IndexCommand::hello:
      return;
  }
}

void IndexService::take_offer(NodeMap map, const NodeKey& by, const IndexPeer& peer, std::string& out) {
  const auto version = map.version;
  auto& log = monitors_.log();
  const auto taken = offers_.take(std::move(map), by, peer.other_cluster);
  if (taken) {
    log.notice("node {} offers map version {}: see stats offers, node adopt", printable(by.text), raw(version));
  } else {
    log.warning("the map of version {} that {} offers is not kept: {}", raw(version), printable(by.text),
                printable(taken.error(), 400));
  }
  out += taken ? reply::ok : "SERVER_ERROR offer refused\r\n";
}

Index::Answer IndexService::adopt(const IndexRequest& request) {
  const NodeKey nobody;
  const auto* const offered = request.empty ? nullptr : offers_.find(request.map_version);
  if (!request.empty && !offered && index_.may_adopt()) {
    return index_.refuse(Refusal::no_such_offer, nobody, "node adopt");
  }
  if (offered && index_.may_adopt() && !takes_over(*offered)) return Refusal::not_stored;
  auto adopted = index_.adopt(offered ? adopted_map(offered->map, offers_.highest()) : NodeMap{});
  if (adopted) offers_.clear();
  return adopted;
}

// Before the map: a kill between the two leaves an empty map, and the operator gives the word once more.
bool IndexService::takes_over(const OfferedMap& offered) {
  if (offered.cluster.empty() || !become_) return offered.cluster.empty();
  const auto taken = become_(offered.cluster);
  if (!taken) monitors_.log().error("node adopt: {}", taken.error());
  if (taken) monitors_.log().warning("node adopt: this index is of cluster {} from now on", offered.cluster);
  return taken.has_value();
}

Index::Answer IndexService::set_role(const IndexRequest& request) {
  const RoleRequest change{request.key(), request.role, request.balance, request.partition, request.force};
  return index_.change_role(change);
}

Index::Answer IndexService::set_state(const IndexRequest& request) {
  const auto key = request.key();
  switch (request.state) {
    case State::down:
      return index_.mark_down(key, "node state down");
    case State::ready:
      return index_.mark_ready(key);
    case State::prepare:
      return Refusal::state_not_settable;  // cluster.md 1.5: always an error
    case State::active:
      break;
  }
  // cluster.md 9.12: an original slave knows no confirmation and an original master gives none.
  const bool trusted = monitors_.health_of(key).original || monitors_.health_of(master_of(index_.map(), key)).original;
  return index_.mark_up(key, trusted, "node state active");
}

void IndexService::answer_stats(StatsTopic topic, std::string& out) const {
  switch (topic) {
    case StatsTopic::general:
      append_general(out);
      break;
    case StatsTopic::items:
    case StatsTopic::slabs:
    case StatsTopic::sizes:
    case StatsTopic::threads_slave:
      break;
    case StatsTopic::nodes:
      out += stats_nodes_text(index_.map());
      return;
    case StatsTopic::offers:
      out += offers_.stats();
      return;
    case StatsTopic::doors:
      out += keeper_ ? keeper_->stats() : std::string{reply::end};
      return;
    case StatsTopic::threads:
      sessions_.append_rows(out, clock_.steady());
      append_monitors(out);
      break;
    case StatsTopic::threads_request:
      sessions_.append_rows(out, clock_.steady());
      break;
    case StatsTopic::threads_queue: {
      const auto monitors = monitors_.all();
      const auto behind = std::count_if(monitors.begin(), monitors.end(),
                                        [](const auto& monitor) { return monitor->behind_since().has_value(); });
      out += "STAT total_thread_queue " + std::to_string(behind) + "\r\n";
      break;
    }
  }
  out += reply::end;
}

void IndexService::append_general(std::string& out) const {
  GeneralStats stats;
  stats.now_unix_s = clock_.unix_s();
  stats.uptime = age(started_at_, clock_.steady());
  stats.open_connections = sessions_.size();
  stats.counters = sessions_.counters();
  stats.map_version = index_.map().version;
  append_general_stats(out, stats);
}

void IndexService::append_monitors(std::string& out) const {
  const auto now = clock_.steady();
  for (const auto& monitor : monitors_.all()) {
    ThreadRow row;
    row.number = monitor->thread_number();
    row.type = raw(monitor->thread_type());
    row.peer = monitor->key().text;
    row.uptime = age(monitor->started_at(), now);
    row.state = "wait";
    if (monitor->is_foreign()) row.info = "foreign";
    if (const auto since = monitor->behind_since()) {
      row.queue = 1;
      row.behind = age(*since, now);
    }
    append_thread_row(out, row);
  }
}

}  // namespace flare
