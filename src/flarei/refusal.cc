#include "flarei/refusal.h"

namespace flare {

std::string_view to_text(Refusal refusal) {
  switch (refusal) {
    case Refusal::unknown_node:
      return "the node is not in the map";
    case Refusal::already_known:
      return "the node is in the map and not down, and its old process is not proven gone";
    case Refusal::bad_name:
      return "the server name is empty, too long or has control characters, or the port is none";
    case Refusal::too_many_nodes:
      return "the map is full";
    case Refusal::node_is_down:
      return "the node is down";
    case Refusal::not_down:
      return "the node is not down";
    case Refusal::role_not_allowed:
      return "this role cannot follow the present one";
    case Refusal::state_not_settable:
      return "this state cannot be asked for";
    case Refusal::not_preparing:
      return "the node is not in state prepare";
    case Refusal::master_not_ready:
      return "the master is still in state prepare";
    case Refusal::not_confirmed:
      return "its master has not confirmed that the slave is complete";
    case Refusal::epoch_moved:
      return "the partition has another epoch by now";
    case Refusal::slaves_behind:
      return "no slave in sync has all that the master has: try again when one has caught up";
    case Refusal::no_master:
      return "the partition has no master that is not down";
    case Refusal::partition_has_master:
      return "the partition has a master";
    case Refusal::partition_not_next:
      return "the partition neither exists nor is the next one";
    case Refusal::balance_negative:
      return "the balance is missing or negative";
    case Refusal::balance_not_positive:
      return "a new master needs a balance of at least 1";
    case Refusal::balance_sum_zero:
      return "the balances of the partition would sum to 0";
    case Refusal::force_needed:
      return "the partition's data may be on its dead master only; to go on without them, add the word force at the "
             "end";
    case Refusal::only_copy:
      return "the node is the last master of its partition";
    case Refusal::not_stored:
      return "the new map could not be stored";
    case Refusal::map_lost:
      return "the node map is lost: look at stats offers, then adopt one with node adopt <version>, or begin anew with "
             "node adopt empty force";
    case Refusal::not_lost:
      return "this index has its map: nothing is adopted";
    case Refusal::no_such_offer:
      return "no map of this version was offered, see stats offers";
    case Refusal::read_only:
      return "it is not known whose nodes these are, see the log: nothing is changed";
  }
  return "refused";
}

}  // namespace flare
