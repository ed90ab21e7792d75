#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/clock.h"
#include "common/net/connection_places.h"
#include "common/net/door_keeper.h"
#include "common/net/own_identity.h"
#include "common/net/task.h"
#include "common/protocol/index_request.h"
#include "flarei/index.h"
#include "flarei/index_stats.h"
#include "flarei/monitors.h"
#include "flarei/offers.h"

namespace flare {

class SessionTable;

/// The answer to a `node offer` whose lines are to follow; otherwise OK.
inline constexpr std::string_view offer_wanted = "WANTED\r\n";

/// Who is at the other end of a session, by its `hello`.
struct IndexPeer {
  std::string address;   // address:port
  bool foreign = false;  // it belongs to another cluster: nothing is answered to it but hello
  std::string start_id;  // of a daemon of ours that said hello; empty: none did
  /// Of a foreign one: the cluster that it is of, if it tells this index's tenant.
  std::string other_cluster = {};
  Place place = Place::client;
};

/// Answers the requests of all sessions (docs/spec/cluster.md 1.3, protocol.md 6). Lives on the I/O thread.
class IndexService {
 public:
  IndexService(Index& index, NodeMonitors& monitors, SessionTable& sessions, const FlareiOptions& options,
               const Clock& clock, OwnIdentity* identity = nullptr);

  /// Appends the answer. Waits only where a node has to be asked first; the arguments must live until then.
  IoTask<> answer(const IndexRequest& request, IndexPeer& peer, std::string& out);

  /// From here on this takes masters down that an operator or they themselves want to go.
  void take_down_by(Succession& succession) { succession_ = &succession; }
  void keep_account_of(const DoorKeeper& keeper) { keeper_ = &keeper; }
  /// What came behind a `node offer` that was answered WANTED.
  void take_offer(NodeMap map, const NodeKey& by, const IndexPeer& peer, std::string& out);
  /// How this daemon takes over the cluster id of a map that an operator adopts.
  using Become = std::function<Result<void, std::string>(const std::string& cluster)>;
  void become_by(Become become) { become_ = std::move(become); }
  void change_options(const FlareiOptions& options) { options_ = options; }

 private:
  bool refuses(const IndexRequest& request, const IndexPeer& peer, std::string& out) const;
  void answer_hello(const IndexRequest& request, IndexPeer& peer, std::string& out);
  IoTask<> answer_goodbye(const IndexRequest& request, std::string& out);
  IoTask<> answer_node_add(const IndexRequest& request, std::string start_id, std::string& out);
  void answer_at_once(const IndexRequest& request, std::string& out);
  void answer_node_request(const IndexRequest& request, std::string& out);
  void answer_stats(StatsTopic topic, std::string& out) const;
  void append_general(std::string& out) const;
  void append_monitors(std::string& out) const;
  Index::Answer adopt(const IndexRequest& request);
  bool takes_over(const OfferedMap& offered);
  Index::Answer set_role(const IndexRequest& request);
  Index::Answer set_state(const IndexRequest& request);

  Index& index_;
  NodeMonitors& monitors_;
  SessionTable& sessions_;
  FlareiOptions options_;
  const Clock& clock_;
  Offers offers_;
  OwnIdentity* identity_;             // null: this daemon has none
  Become become_;                     // null: it cannot
  Succession* succession_ = nullptr;  // null: nodes go by the map alone
  const DoorKeeper* keeper_ = nullptr;
  std::chrono::steady_clock::time_point started_at_;
};

}  // namespace flare
