#include "flared/door_tenants.h"

#include "flared/options.h"
#include "flared/stat_lines.h"
#include "flared/storage/store_quota.h"

namespace flare {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

DoorTenants::DoorTenants(const std::vector<Door>& doors, std::int64_t started_s) : started_s_(started_s) {
  for (const auto& door : doors) {
    by_door_.push_back(nullptr);
    if (door.key_prefix.empty()) continue;
    auto tenant = std::make_unique<DoorTenant>();
    tenant->door = door.name;
    tenant->key_prefix = door.key_prefix;
    tenant->number = tenants_.size();
    tenant->too_many_operations =
        fmt::format("SERVER_ERROR quota exceeded (door.{}.max-ops-per-second)\r\n", door.name);
    by_door_.back() = tenant.get();
    tenants_.push_back(std::move(tenant));
  }
}

void DoorTenants::apply(const FlaredOptions& options) {
  for (auto& tenant : tenants_) {
    const auto door = options.doors.find(tenant->door);
    if (door == options.doors.end()) continue;  // it goes at the next start
    const auto most = door->second.max_ops_per_second;
    tenant->operations_max.store(most, relaxed);
    tenant->operations_share.store(static_cast<double>(most) / options.threads, relaxed);
  }
}

std::vector<PrefixLimit> DoorTenants::limits(const FlaredOptions& options) const {
  std::vector<PrefixLimit> limits;
  for (const auto& tenant : tenants_) {
    const auto door = options.doors.find(tenant->door);
    if (door == options.doors.end()) continue;
    limits.push_back({tenant->key_prefix, "door." + tenant->door, {door->second.max_items, door->second.max_bytes}});
  }
  return limits;
}

std::string tenant_stats(const DoorTenant& tenant, const StoreQuota& quota, std::int64_t started_s,
                         std::int64_t now_s) {
  StatLines lines;
  lines.add("uptime", now_s - started_s);
  lines.add("time", now_s);
  lines.add("version", "2.0.0");
  lines.add("pointer_size", 64);
  if (const auto* share = quota.prefixes().of_prefix(tenant.key_prefix)) {
    lines.add("curr_items", share->items());
    lines.add("bytes", share->bytes());
    lines.add("limit_maxitems", share->limits().items);
    lines.add("limit_maxbytes", share->limits().bytes);
    lines.add("refused_items", share->refused_items());
    lines.add("refused_bytes", share->refused_bytes());
  }
  lines.add("cmd_total", tenant.operations.load(relaxed));
  lines.add("limit_ops_per_second", tenant.operations_max.load(relaxed));
  lines.add("refused_ops", tenant.refused_operations.load(relaxed));
  return lines.end();
}

std::string door_quota_stats(const DoorTenants& tenants, const StoreQuota& quota) {
  StatLines lines;
  for (const auto& tenant : tenants.all()) {
    const auto add = [&](std::string_view name, const auto& value) {
      lines.add(fmt::format("{}:{}", tenant->door, name), value);
    };
    add("key_prefix", tenant->key_prefix);
    if (const auto* share = quota.prefixes().of_prefix(tenant->key_prefix)) {
      add("max_items", share->limits().items);
      add("items", share->items());
      add("refused_items", share->refused_items());
      add("max_bytes", share->limits().bytes);
      add("bytes", share->bytes());
      add("refused_bytes", share->refused_bytes());
    }
    add("max_ops_per_second", tenant->operations_max.load(relaxed));
    add("ops", tenant->operations.load(relaxed));
    add("refused_ops", tenant->refused_operations.load(relaxed));
  }
  return lines.take();
}

}  // namespace flare
