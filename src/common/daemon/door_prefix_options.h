#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/daemon/command_line.h"
#include "common/daemon/common_options.h"
#include "common/daemon/option_table.h"

/// The options of a door whose clients see only the keys with one prefix (docs/security.md, tenants by key prefix):
/// `door.NAME.key-prefix` and the quotas of that prefix. Only for a daemon that serves keys.
namespace flare {

constexpr std::size_t key_prefix_bytes_max = 64;

Reason check_key_prefix(std::string_view text);
/// What cannot be said of one of these options alone: a quota without a prefix, a door that is not for data alone, two
/// prefixes of which one begins the other.
std::optional<StartFailure> finish_key_prefixes(std::string_view program, const GivenOptions& given,
                                                const CommonOptions& options);

template <class Options>
Binding<Options> door_key_prefix(std::string name) {
  return {[=](Options& options, std::string_view text) -> Reason {
            if (auto reason = check_key_prefix(text)) return reason;
            options.doors[name].key_prefix = text;
            return std::nullopt;
          },
          [=](const Options& options) {
            const auto found = options.doors.find(name);
            return found == options.doors.end() ? std::string{} : found->second.key_prefix;
          },
          {}};
}

enum class DoorNumber : std::uint8_t { count, bytes /* K, M, G allowed */ };

/// A quota of the prefix; 0: no limit. SIGHUP changes it.
template <class Options>
Binding<Options> door_quota(std::string name, std::uint64_t DoorTexts::*member, DoorNumber unit, std::uint64_t most) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = unit == DoorNumber::bytes ? parse_bytes(text) : parse_integer<std::uint64_t>(text);
            if (!value || *value > most) {
              return unit == DoorNumber::bytes
                         ? fmt::format("must be a size from 0 to {} (K, M, G allowed)", bytes_text(most))
                         : option::out_of_range("0", std::to_string(most));
            }
            options.doors[name].*member = *value;
            return std::nullopt;
          },
          [=](const Options& options) {
            const auto found = options.doors.find(name);
            const auto value = found == options.doors.end() ? 0 : found->second.*member;
            return unit == DoorNumber::bytes ? bytes_text(value) : std::to_string(value);
          },
          [=](Options& to, const Options& from) { to.doors.at(name).*member = from.doors.at(name).*member; }};
}

/// `quotas`: whether SIGHUP may change them. The prefix itself needs a restart: what has been stored under it would be
/// another tenant's.
template <class Options>
void append_key_prefix_rows(OptionTable<Options>& table, const std::string& name, Apply quotas) {
  const auto row = [&](const char* what, Apply apply, Binding<Options> binding) {
    table.push_back({{"door." + name + what, "", OptionKind::value, OptionPlace::both, "", ""},
                     apply,
                     Effect::present,
                     std::move(binding)});
  };
  constexpr auto most = std::uint64_t{1} << 48;
  row(".key-prefix", Apply::at_start, door_key_prefix<Options>(name));
  row(".max-items", quotas, door_quota<Options>(name, &DoorTexts::max_items, DoorNumber::count, most));
  row(".max-bytes", quotas, door_quota<Options>(name, &DoorTexts::max_bytes, DoorNumber::bytes, most));
  row(".max-ops-per-second", quotas,
      door_quota<Options>(name, &DoorTexts::max_ops_per_second, DoorNumber::count, 1'000'000'000));
}

}  // namespace flare
