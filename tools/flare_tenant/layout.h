#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// Where the files of a tenant are: <config-root>/NAME/flarei.conf, <data-root>/NAME/flarei, and the same for flared.
/// Pure.
namespace flare::tenant {

enum class Kind : std::uint8_t { index, node };

struct Roots {
  std::filesystem::path config = "/etc/flare";
  std::filesystem::path data = "/var/lib/flare";
  friend bool operator==(const Roots&, const Roots&) = default;
};

/// `flarei` or `flared`.
[[nodiscard]] std::string_view program_of(Kind kind);
/// `flared@user-a`, the systemd unit.
[[nodiscard]] std::string unit_of(Kind kind, std::string_view tenant);
[[nodiscard]] std::filesystem::path config_folder(const Roots& roots, std::string_view tenant);
[[nodiscard]] std::filesystem::path config_file(const Roots& roots, std::string_view tenant, Kind kind);
[[nodiscard]] std::filesystem::path data_dir(const Roots& roots, std::string_view tenant, Kind kind);

/// The part of a systemd unit that is of this tenant alone.
[[nodiscard]] std::filesystem::path drop_in_file(const std::filesystem::path& units, std::string_view tenant,
                                                 Kind kind);

}  // namespace flare::tenant
