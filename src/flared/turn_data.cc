// The classic text commands for records: executed here, or sent on.
#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/key_hash.h"
#include "common/protocol/forward_request.h"
#include "common/protocol/words.h"
#include "flared/delayed_write.h"
#include "flared/item_operations.h"
#include "flared/local_write.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/turn.h"
#include "flared/value_writer.h"
#include "flared/worker.h"

namespace flare {

void Turn::get(const Request& request) {
  const bool with_version = request.command == Command::gets;
  const auto first_place = next_place();
  auto keys = keys_of(request);
  for (auto key = keys.next(); !key.empty(); key = keys.next()) read_key(key, with_version);
  end_reads();
  end_values(first_place);
}

// An entry that cannot be read is no miss (protocol.md 7, daemons.md 3.5), nor one that was left out because one line
// of keys asked for more than there is memory. Another node may tell that of its entries, so END waits for the answers;
// with proxy-read-error = error it says that none was lost on the way either (cluster.md 9.11).
void Turn::end_values(std::uint32_t first_place) {
  const auto error = std::exchange(values_error_, {});
  if (!error.empty()) return output_->append(error);
  if (next_place() > first_place) return awaited_->reserve_end(output_->size(), first_place);
  output_->append(reply::end);
}

// cluster.md 5.1: a key that no node can be asked for.
void Turn::absent(Route::Kind kind) {
  if (tells_read_errors_) values_error_ = kind == Route::Kind::nowhere ? reply::no_partition : reply::proxy_failure;
}

void Turn::end_reads() {
  for (auto* link : read_links_) link->end_read();
  read_links_.clear();
}

void Turn::read_key(std::string_view key, bool with_version) {
  auto& counters = worker_.counts();
  counters.cmd_get.add();
  const bool at_master = wrote_lately(key);
  const auto route = route_read(view_, key, at_master, worker_.draw());
  if (route.kind == Route::Kind::local) {
    if (sync_mode_) wait_for_commit();  // it may have seen something newer
    ValueWriter writer{*output_, with_version, worker_.setup().memory.answer_bytes_max(), key_prefix_.size()};
    const auto found = worker_.setup().storage.get(key, now_s_, writer);
    if (!found) values_error_ = answer_of(found.error());
    if (writer.full()) values_error_ = reply::answer_too_large;
    (found && *found ? counters.get_hits : counters.get_misses).add();
    return;
  }
  if (route.kind != Route::Kind::forward) {
    counters.get_misses.add();
    return absent(route.kind);
  }
  send_read(key, {with_version, at_master}, route.node, await_read());
}

// A node that could not be reached a moment ago is not asked if there is another one.
void Turn::send_read(std::string_view key, const PeerLink::ReadKind& kind, std::uint32_t node,
                     const AnswerPlace& place) {
  worker_.counts().forwarded.add();
  if (!kind.waits) worker_.keys_elsewhere().add(key_hash(KeyHashAlgorithm::murmur, key));
  if (gather(key, kind, node, place)) return;
  const auto other = kind.waits ? std::nullopt : another_reader(view_, key, node);
  if (!other || !gather(key, kind, *other, place)) place.fail_read(reply::proxy_failure);
}

bool Turn::gather(std::string_view key, const PeerLink::ReadKind& kind, std::uint32_t node, const AnswerPlace& place) {
  auto& link = worker_.link(node);
  if (std::find(read_links_.begin(), read_links_.end(), &link) == read_links_.end()) read_links_.push_back(&link);
  return link.read(key, kind, place);
}

// design.md 2: this connection has asked another node for the key, and is not to see there what it writes only now.
bool Turn::overtakes_read(const Request& request) const {
  if (!awaited_) return false;
  const auto& keys = worker_.keys_elsewhere();
  const auto read_elsewhere = [&](std::string_view key) {
    return keys.contains(key_hash(KeyHashAlgorithm::murmur, key));
  };
  if (request.item) return needs_master(*request.item) && read_elsewhere(request.item->key);
  if (request.memcached_order) {
    auto words = keys_of(request);
    for (auto key = words.next(); !key.empty(); key = words.next()) {
      if (read_elsewhere(key)) return true;
    }
    return false;
  }
  return is_forwarded_write(request.command) && read_elsewhere(request.key);
}

void Turn::wrote_elsewhere(std::string_view key) {
  if (!peer_.recent_writes) peer_.recent_writes = std::make_unique<RecentWrites>();
  peer_.recent_writes->add(key_hash(KeyHashAlgorithm::murmur, key), now_s_);
}

bool Turn::wrote_lately(std::string_view key) const {
  const auto* writes = peer_.recent_writes.get();
  return writes && writes->any(now_s_) && writes->contains(key_hash(KeyHashAlgorithm::murmur, key), now_s_);
}

// A slave of an original master (docs/replication.md 5). False: the request is no replication, or not for here.
bool Turn::replicate(const Request& request) {
  auto* writes = worker_.setup().replicated_writes;
  if (!writes || !writes->is_open() || !is_of_own_partition(view_, request.key)) return false;
  const auto outcome = writes->take(request, now_s_);
  if (!outcome) return false;
  if (*outcome) {
    append_answer(*output_, request, **outcome);
  } else {
    error(request, answer_of(outcome->error()));
  }
  return true;
}

void Turn::write(const Request& request) {
  if (request.proxied && replicate(request)) return;
  if (counts_as_set(request.command)) worker_.counts().cmd_set.add();
  const auto route = route_write(view_, request.key, request.proxied);
  switch (route.kind) {
    case Route::Kind::local:
      return execute(request);
    case Route::Kind::forward:
      return forward(request, route.node);
    case Route::Kind::nowhere:
      return error(request, reply::no_partition);
    case Route::Kind::no_node:
      return error(request, reply::proxy_failure);
  }
}

void Turn::execute(const Request& request) {
  if (!may_write(request)) return error(request, reply::too_few_replicas);
  auto operation = to_operation(request, now_s_);
  operation.limited = serves_clients(view_);
  // What an original sends the master that will have the key: its versions may be a second master's.
  if (!operation.limited && is_replication_form(request)) operation.any_version = true;
  ValueWriter writer{*output_, request.with_version, worker_.setup().memory.answer_bytes_max(), key_prefix_.size()};
  // protocol.md 1: with noreply no result is sent, of gat no value.
  const auto outcome = worker_.setup().storage.execute(operation, now_s_, request.noreply ? nullptr : &writer);
  if (!outcome) return fail(request, outcome.error());
  count(worker_.counts(), request, *outcome);
  note_copied(worker_.setup(), request, *outcome);
  if (writer.full()) return output_->append(reply::answer_too_large);
  append_answer(*output_, request, *outcome);
}

// Nothing was changed. Expired entries that may be in the way are removed first.
void Turn::fail(const Request& request, StorageError error_) {
  if (!over_quota(error_)) return error(request, answer_of(error_));
  if (worker_.setup().storage.quota().may_have_expired(now_s_)) {
    write_when_reclaimed(worker_, request, await());
    more_input_ = true;  // what follows in the pipeline is done after this
    return;
  }
  const auto key = request.item ? request.item->key : request.key;
  error(request, refuse_over_quota(worker_.counts(), worker_.setup().storage.quota(), error_, key));
}

// memcached's gat and gats: values of several keys, then END (docs/design.md 1).
void Turn::touch_many(const Request& request) {
  const auto first_place = next_place();
  Request one = request;
  one.memcached_order = false;
  auto keys = keys_of(request);
  for (one.key = keys.next(); !one.key.empty(); one.key = keys.next()) {
    worker_.counts().cmd_set.add();
    const auto route = route_write(view_, one.key, one.proxied);
    if (route.kind == Route::Kind::forward) {
      forward_gat(one, route.node);
    } else if (route.kind == Route::Kind::local && !may_write(one)) {
      values_error_ = reply::too_few_replicas;
    } else if (route.kind == Route::Kind::local) {
      ValueWriter writer{*output_, request.with_version, worker_.setup().memory.answer_bytes_max(), key_prefix_.size()};
      const auto outcome = worker_.setup().storage.execute(to_operation(one, now_s_), now_s_, &writer);
      if (outcome) count(worker_.counts(), one, *outcome);
      if (!outcome) values_error_ = answer_of(outcome.error());
      if (writer.full()) values_error_ = reply::answer_too_large;
    } else {
      absent(route.kind);
    }
  }
  end_values(first_place);
}

// The other node's answer to a prefixed gat is a value without END, or NOT_FOUND, which is a miss here.
void Turn::forward_gat(const Request& request, std::uint32_t node) {
  auto place = await_read();
  if (!may_send(request.prefix, node) || !worker_.link(node).forward_value(request, now_s_, place)) {
    place.fail_read(reply::proxy_failure);
  }
  wrote_elsewhere(request.key);
}

// What waits for this node itself gets no name more.
bool Turn::may_send(std::string_view prefix, std::uint32_t node) const {
  return view_.self == node || may_forward(prefix, worker_.setup().own_key.text);
}

void Turn::forward(const Request& request, std::uint32_t node) {
  if (!may_send(request.prefix, node)) return error(request, reply::proxy_failure);  // docs/replication.md 12
  auto place = await();
  worker_.counts().forwarded.add();
  wrote_elsewhere(request.key);
  if (!worker_.link(node).forward(request, now_s_, place)) {
    place.fill(request.noreply ? std::string_view{} : reply::proxy_failure);
  }
}

}  // namespace flare
