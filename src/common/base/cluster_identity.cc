#include "common/base/cluster_identity.h"

#include <algorithm>

namespace flare {

Kinship kinship(const ClusterIdentity& own, const ClusterIdentity& peer) {
  const bool tenants_differ = own.tenant != peer.tenant;
  if (tenants_differ && !own.tenant.empty() && !peer.tenant.empty()) return Kinship::foreign;
  if (!own.cluster.empty() && !peer.cluster.empty()) {
    return own.cluster == peer.cluster ? Kinship::same : Kinship::foreign;
  }
  if (peer == ClusterIdentity{}) return Kinship::unknown;
  return tenants_differ ? Kinship::foreign : Kinship::unknown;
}

bool is_cluster_id(std::string_view text) {
  constexpr std::size_t digits = 32;
  const auto hex = [](char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); };
  return text.size() == digits && std::all_of(text.begin(), text.end(), hex);
}

std::string to_text(const ClusterIdentity& identity) {
  std::string text = identity.cluster.empty() ? "a cluster not known yet" : "cluster " + identity.cluster;
  text += identity.tenant.empty() ? " without a tenant's name" : " of tenant " + identity.tenant;
  return text;
}

}  // namespace flare
