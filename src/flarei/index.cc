#include "flarei/index.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/printable.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/peer_hello.h"
#include "flarei/map_change.h"
#include "flarei/node_event.h"
#include "flarei/reigns.h"

namespace flare {

Index::Index(NodeMap map, int partitions_max, MapStore& store, Log& log)
    : map_(std::move(map)), partitions_max_(partitions_max), store_(store), log_(log) {}

bool Index::is_down(const NodeKey& key) const {
  const auto found = map_.nodes.find(key);
  return found != map_.nodes.end() && found->second.state == State::down;
}

std::shared_ptr<const std::string> Index::sync_request(SyncFor receiver) {
  auto& request = receiver == SyncFor::ours ? sync_request_for_ours_ : sync_request_;
  if (!request) {
    const auto lines =
        receiver == SyncFor::ours ? node_lines_with_reigns(map_, line_words_ + probe_word_) : node_lines(map_);
    request = std::make_shared<const std::string>(fmt::format("node sync {}\r\n{}", raw(map_.version), lines));
  }
  return request;
}

void Index::belong_to(const ClusterIdentity& identity) {
  line_words_ = node_line_words(identity);
  sync_request_for_ours_.reset();
}

bool Index::probe_each(std::chrono::milliseconds interval) {
  auto word = probe_interval_word(interval);
  if (word == probe_word_) return false;
  probe_word_ = std::move(word);
  sync_request_for_ours_.reset();
  return true;
}

Index::Answer Index::add(std::string_view server_name, int port) {
  return enact(add_node(map_, server_name, port), NodeKey{server_name, port}, "node add");
}

Index::Answer Index::restart(const NodeKey& key, const std::optional<NodeKey>& successor) {
  auto restarted = enact(restart_node(map_, key, successor), key, "node add of a restarted node");
  // Down and up in one may leave the node as it was: then this is its only line.
  if (restarted) log_.notice("node {} has been restarted, map version {}", printable(key.text), raw(map_.version));
  return restarted;
}

Index::Answer Index::change_role(const RoleRequest& request) {
  const auto cause = fmt::format("node role {}", to_text(request.role));
  return enact(flare::change_role(map_, request, partitions_max_), request.key, cause);
}

Index::Answer Index::mark_down(const NodeKey& key, std::string_view cause, const std::optional<NodeKey>& successor) {
  return enact(node_down(map_, key, successor), key, cause);
}

Index::Answer Index::shutdown(const NodeKey& key, const std::optional<NodeKey>& successor) {
  const auto found = map_.nodes.find(key);
  // cluster.md 4.3: an active master gets the map all the same.
  const bool is_master =
      found != map_.nodes.end() && found->second.role == Role::master && found->second.state == State::active;
  return enact(node_down(map_, key, successor), key, "shutdown", is_master ? std::nullopt : std::optional{key});
}

Index::Answer Index::mark_up(const NodeKey& key, bool trusted, std::string_view cause) {
  const auto build = trusted || is_in_sync(map_, key) ? SlaveBuild::complete : SlaveBuild::unproven;
  return enact(node_up(map_, key, build), key, cause);
}

Index::Answer Index::mark_ready(const NodeKey& key) { return enact(node_ready(map_, key), key, "node state ready"); }

Index::Answer Index::remove(const NodeKey& key) { return enact(remove_node(map_, key), key, "node remove"); }

Index::Answer Index::set_in_sync(const NodeKey& key, Epoch epoch, bool in_sync) {
  const auto* const cause = in_sync ? "node insync" : "node insync 0";
  auto changed = enact(flare::set_in_sync(map_, key, epoch, in_sync), key, cause);
  if (!changed) return changed;
  log_.notice("slave {} is {} by its master's word", printable(key.text), in_sync ? "in sync" : "out of sync");
  return changed;
}

Index::Answer Index::adopt(NodeMap map) {
  const NodeKey nobody;
  if (!may_adopt() || (map.nodes.empty() && !map_lost_)) return refuse(Refusal::not_lost, nobody, "node adopt");
  const bool was_lost = std::exchange(map_lost_, false);
  if (map.nodes.empty()) {
    const auto stored = store_.save(map);
    map_lost_ = !stored;
    if (!stored) log_.error("node adopt: {}", stored.error().text);
    return stored ? Answer{} : Answer{Refusal::not_stored};
  }
  auto adopted = enact(std::move(map), nobody, "node adopt");
  map_lost_ = was_lost && !adopted;
  return adopted;
}

Index::Answer Index::enact(Decision decision, const NodeKey& key, std::string_view cause,
                           const std::optional<NodeKey>& leaving) {
  if (!decision) return refuse(decision.error(), key, cause);
  if (decision->version == map_.version) return {};  // nothing has changed
  if (read_only_) return refuse(Refusal::read_only, key, cause);
  if (map_lost_) return refuse(Refusal::map_lost, key, cause);
  if (const auto stored = store_.save(*decision); !stored) {
    log_.error("{} of {} is refused and the old node map stays: {}", cause, printable(key.text), stored.error().text);
    return Refusal::not_stored;
  }
  const auto before = std::exchange(map_, std::move(*decision));
  sync_request_.reset();
  sync_request_for_ours_.reset();
  for (const auto& line : change_lines(before, map_, cause)) log_.notice("{}", line);
  if (publisher_) publisher_->publish(before, leaving);
  return {};
}

Refusal Index::refuse(Refusal refusal, const NodeKey& key, std::string_view cause) {
  log_.notice("{} of {} is refused: {}", cause, printable(key.text), to_text(refusal));
  return refusal;
}

}  // namespace flare
