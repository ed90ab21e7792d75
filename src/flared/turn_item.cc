// Meta commands and binary packets for one key: executed here, or sent on (docs/design.md 1, 2).
#include <algorithm>

#include "common/protocol/binary_answer.h"
#include "common/protocol/item_answer.h"
#include "flared/delayed_write.h"
#include "flared/forwarded_item.h"
#include "flared/item_execution.h"
#include "flared/item_operations.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/turn.h"
#include "flared/worker.h"

namespace flare {

void Turn::item(const Request& request) {
  const ItemRequest& item = *request.item;
  count_asked(item);
  const bool at_master = needs_master(item);
  const bool wrote = !at_master && wrote_lately(item.key);
  const auto route =
      at_master ? route_write(view_, item.key, request.proxied) : route_read(view_, item.key, wrote, worker_.draw());
  switch (route.kind) {
    case Route::Kind::local:
      return execute_here(request);
    case Route::Kind::forward:
      return at_master ? forward_item(request, route.node) : read_elsewhere(item, {true, wrote}, route.node);
    case Route::Kind::nowhere:
      return at_master ? error(request, reply::no_partition) : unreadable(request, reply::no_partition);
    case Route::Kind::no_node:
      return at_master ? error(request, reply::proxy_failure) : unreadable(request, reply::proxy_failure);
  }
}

// protocol.md 5: cmd_get and cmd_set count here, also what is sent on.
void Turn::count_asked(const ItemRequest& item) {
  auto& counters = worker_.counts();
  const bool touches = item.verb == ItemVerb::get && item.exptime;
  if (item.verb == ItemVerb::get && (item.wants_value || !touches)) counters.cmd_get.add();
  if (item.verb == ItemVerb::store || touches) counters.cmd_set.add();
}

void Turn::execute_here(const Request& request) {
  auto& setup = worker_.setup();
  if (changes_entry(*request.item) && !may_write(request)) return error(request, reply::too_few_replicas);
  if (sync_mode_) wait_for_commit();
  const ItemPlace place{setup.storage, setup.marks, worker_.counts(), now_s_, serves_clients(view_)};
  const auto done = execute_item(place, *request.item, *output_);
  if (!done) fail(request, done.error());
}

void Turn::forward_item(const Request& request, std::uint32_t node) {
  if (!may_send(request.prefix, node)) return error(request, reply::proxy_failure);  // docs/replication.md 12
  const ItemRequest& item = *request.item;
  worker_.counts().forwarded.add();
  if (changes_entry(item)) wrote_elsewhere(item.key);
  const bool waits = wrote_lately(item.key);
  auto forwarded = std::make_shared<ForwardedItem>(item, request.prefix, worker_.setup().clock);
  auto place = await();
  place.form = forwarded;
  if (!worker_.link(node).forward_item(request, std::move(forwarded), now_s_, place, waits))
    place.fill(reply::proxy_failure);
}

// A plain get goes as a classic one: it may be answered by any readable node, and shares its line with others.
void Turn::read_elsewhere(const ItemRequest& item, const PeerLink::ReadKind& kind, std::uint32_t node) {
  auto place = await_read();
  place.form = std::make_shared<ForwardedItem>(item, std::string_view{}, worker_.setup().clock);
  send_read(item.key, kind, node, place);
}

void Turn::miss(const ItemRequest& item) {
  const auto result = with_status(ItemStatus::missing);
  count(worker_.counts(), item, result);
  append_item_answer(*output_, item, result, now_s_);
}

// cluster.md 9.11: nobody can be asked for the key.
void Turn::unreadable(const Request& request, std::string_view why) {
  tells_read_errors_ ? error(request, why) : miss(*request.item);
}

// In the protocol in which it was asked.
void Turn::say_to(OutputBuffer& out, const Request& request, std::string_view text) const {
  if (request.item) return append_item_answer(out, *request.item, failed(text), now_s_);
  if (request.binary) return append_binary_of_text(out, *request.binary, text);
  out.append(text);
}

void Turn::answer_noop(const Request& request) {
  if (request.binary) return answer_ping(request);
  output_->append("MN\r\n");
}

}  // namespace flare
