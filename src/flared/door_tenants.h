#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/door.h"

namespace flare {

struct FlaredOptions;
class StoreQuota;
struct PrefixLimit;

/// The tenant that has a door's key-prefix (docs/security.md): its sessions see the keys that begin so, without it.
struct DoorTenant {
  using Figure = std::atomic<std::uint64_t>;

  std::string door;                              // NAME of door.NAME.key-prefix
  std::string key_prefix;                        // fixed from start to end
  std::size_t number = 0;                        // among the tenants
  std::string too_many_operations;               // the answer, with its line end
  std::atomic<std::uint64_t> operations_max{0};  // each second, of all workers; 0: no limit; changed by HUP
  std::atomic<double> operations_share{0};       // of a worker
  Figure operations{0};                          // that came in: one for each key
  Figure refused_operations{0};
};

/// All of them, fixed from start to end. The quotas follow SIGHUP.
class DoorTenants {
 public:
  /// `doors` as the door keeper numbers them.
  DoorTenants(const std::vector<Door>& doors, std::int64_t started_s);
  DoorTenants(const DoorTenants&) = delete;
  DoorTenants& operator=(const DoorTenants&) = delete;

  /// Null: the door has no key-prefix.
  DoorTenant* of_door(std::size_t door) const { return door < by_door_.size() ? by_door_[door] : nullptr; }
  const std::vector<std::unique_ptr<DoorTenant>>& all() const { return tenants_; }
  void apply(const FlaredOptions& options);
  /// What each may store by `options`.
  std::vector<PrefixLimit> limits(const FlaredOptions& options) const;
  std::int64_t started_s() const { return started_s_; }

 private:
  std::vector<std::unique_ptr<DoorTenant>> tenants_;
  std::vector<DoorTenant*> by_door_;
  const std::int64_t started_s_;
};

/// `stats` at a door with a key-prefix: that tenant's own figures and what everybody may know; with END.
std::string tenant_stats(const DoorTenant& tenant, const StoreQuota& quota, std::int64_t started_s, std::int64_t now_s);
/// Of `stats quota`, for the operator: the lines of all such doors, without END.
std::string door_quota_stats(const DoorTenants& tenants, const StoreQuota& quota);

}  // namespace flare
