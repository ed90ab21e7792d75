#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Which cluster a daemon belongs to, and whose that is (docs/design.md 5). Pure.
namespace flare {

struct ClusterIdentity {
  std::string cluster;  // 32 hex digits, drawn by flarei; empty: not known
  std::string tenant;   // empty: none is named

  bool operator==(const ClusterIdentity&) const = default;
};

enum class Kinship : std::uint8_t {
  same,     // one cluster id, and no two tenants
  unknown,  // nothing proves or contradicts it: an original, or the first meeting
  foreign,
};

/// What `own` has to think of `peer`. Two names of tenants that differ, or two cluster ids that differ, are foreign. A
/// tenant that only one of the two names is foreign too, unless the cluster id is one (an operator adds `tenant` to the
/// config files one by one) or the peer tells nothing at all (an original).
Kinship kinship(const ClusterIdentity& own, const ClusterIdentity& peer);

bool is_cluster_id(std::string_view text);

/// `cluster 0123... of tenant user-a`, for messages.
std::string to_text(const ClusterIdentity& identity);

}  // namespace flare
