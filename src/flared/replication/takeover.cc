#include "flared/replication/takeover.h"

#include <algorithm>

namespace flare {

// Sequences count on over epochs, so within one history the higher one has everything before it.
bool Takeover::Source::complete() const {
  return last && reached.log_id == last->log_id && reached.sequence >= last->sequence;
}

void Takeover::on_handover(PartitionId source, const Position& last) {
  if (const auto found = sources_.find(source); found != sources_.end()) found->second.last = last;
}

void Takeover::on_progress(PartitionId source, const Position& reached) {
  if (const auto found = sources_.find(source); found != sources_.end()) found->second.reached = reached;
}

bool Takeover::must_ask(PartitionId source, const Position& reached) const {
  const auto found = sources_.find(source);
  if (found == sources_.end()) return false;
  return !found->second.last || found->second.last->log_id != reached.log_id;
}

bool Takeover::complete() const {
  return std::all_of(sources_.begin(), sources_.end(), [](const auto& source) { return source.second.complete(); });
}

bool Takeover::is_open(PartitionId source) const {
  const auto found = sources_.find(source);
  return found != sources_.end() && !found->second.complete();
}

}  // namespace flare
