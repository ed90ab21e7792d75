#include "common/daemon/door_prefix_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/daemon/common_rows.h"
#include "common/protocol/door.h"

namespace flare {
namespace {

StartFailure failure(std::string_view program, const GivenOptions& given, const std::string& option,
                     std::string_view reason) {
  if (const auto* found = winning(given, option)) {
    return {ExitCode::configuration, option_message(program, given.config_path, *found, reason)};
  }
  return {ExitCode::configuration, fmt::format("{}: option '{}': {}", program, option, reason)};
}

// Without a prefix; the name of the option that makes no sense then.
std::optional<std::string> quota_of(const DoorTexts& door) {
  if (door.max_items > 0) return ".max-items";
  if (door.max_bytes > 0) return ".max-bytes";
  if (door.max_ops_per_second > 0) return ".max-ops-per-second";
  return std::nullopt;
}

}  // namespace

// A key is a word of the text protocol (docs/spec/protocol.md 9.4), and so is its begin.
Reason check_key_prefix(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < '\x7f'; });
  if (!text.empty() && text.size() <= key_prefix_bytes_max && printable) return std::nullopt;
  return fmt::format("must be 1 to {} printable ASCII bytes without blanks", key_prefix_bytes_max);
}

std::optional<StartFailure> finish_key_prefixes(std::string_view program, const GivenOptions& given,
                                                const CommonOptions& options) {
  for (const auto& [name, door] : options.doors) {
    const auto option = "door." + name;
    if (door.key_prefix.empty()) {
      const auto quota = quota_of(door);
      if (!quota) continue;
      return failure(program, given, option + *quota,
                     fmt::format("needs {}.key-prefix: it counts the keys with that prefix", option));
    }
    if (parse_access_classes(door.classes) != parse_access_classes("data")) {
      return failure(program, given, option + ".classes",
                     "must be data: a door with a key-prefix is for a tenant's clients alone");
    }
    for (const auto& [other_name, other] : options.doors) {
      if (other_name == name || other.key_prefix.empty() || !door.key_prefix.starts_with(other.key_prefix)) continue;
      return failure(program, given, option + ".key-prefix",
                     fmt::format("begins with the key-prefix '{}' of door {}: that door would see these keys; let no "
                                 "prefix begin with another one",
                                 other.key_prefix, other_name));
    }
  }
  return std::nullopt;
}

}  // namespace flare
