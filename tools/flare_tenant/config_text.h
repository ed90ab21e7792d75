#pragma once

#include <string>

#include "flare_tenant/plan.h"

/// The commented files of a new tenant. Pure.
namespace flare::tenant {

[[nodiscard]] std::string index_config(const Plan& plan);
[[nodiscard]] std::string node_config(const Plan& plan);
/// What the systemd unit of this one daemon gets beside its template: its port, its peers, its memory.
[[nodiscard]] std::string unit_drop_in(const Plan& plan, Kind kind);

}  // namespace flare::tenant
