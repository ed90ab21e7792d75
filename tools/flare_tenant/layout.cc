#include "flare_tenant/layout.h"

namespace flare::tenant {

std::string_view program_of(Kind kind) { return kind == Kind::index ? "flarei" : "flared"; }

std::string unit_of(Kind kind, std::string_view tenant) {
  return std::string{program_of(kind)} + "@" + std::string{tenant};
}

std::filesystem::path config_folder(const Roots& roots, std::string_view tenant) { return roots.config / tenant; }

std::filesystem::path config_file(const Roots& roots, std::string_view tenant, Kind kind) {
  return config_folder(roots, tenant) / (std::string{program_of(kind)} + ".conf");
}

std::filesystem::path data_dir(const Roots& roots, std::string_view tenant, Kind kind) {
  return roots.data / tenant / program_of(kind);
}

std::filesystem::path drop_in_file(const std::filesystem::path& units, std::string_view tenant, Kind kind) {
  return units / (unit_of(kind, tenant) + ".service.d") / "tenant.conf";
}

}  // namespace flare::tenant
