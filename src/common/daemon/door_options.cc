#include "common/daemon/door_options.h"

#include <algorithm>

#include "common/base/printable.h"
#include "common/daemon/common_rows.h"

namespace flare {
namespace {

constexpr std::string_view door_prefix = "door.";

std::optional<AddressList> list_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return *AddressList::parse(text);
}

StartFailure failure(std::string_view program, const GivenOptions& given, const std::string& option,
                     std::string_view reason) {
  if (const auto* found = winning(given, option)) {
    return {ExitCode::configuration, option_message(program, given.config_path, *found, reason)};
  }
  return {ExitCode::configuration, fmt::format("{}: option '{}': {}", program, option, reason)};
}

// Who has class cluster may send what no user has proven: another node's requests.
std::string open_cluster_reason(const std::string& door) {
  const auto list = door == main_door_name ? std::string{"cluster-allow-from"} : fmt::format("door.{}.allow", door);
  const std::string_view or_tls = door == main_door_name ? " or cluster-tls" : "";
  return fmt::format("asks users for passwords, but door {} gives class cluster to everybody, who needs none: set {}{}",
                     door, list, or_tls);
}

Door named_door(const std::string& name, const DoorTexts& texts) {
  Door door;
  door.name = name;
  door.port = texts.port;
  if (!texts.bind.empty()) {
    for (const auto address : split_at_commas(texts.bind)) door.bind.emplace_back(address);
  }
  if (texts.tls) door.tls = DoorTls::server;
  door.classes = *parse_access_classes(texts.classes);
  door.key_prefix = texts.key_prefix;
  // Whatever SIGHUP brought while the prefix waits for a restart: the door stays its tenant's.
  if (!door.key_prefix.empty()) door.classes = *parse_access_classes("data");
  door.data_from = door.cluster_from = door.admin_from = list_of(texts.allow);
  return door;
}

}  // namespace

Reason check_address_list(std::string_view text) {
  if (text.empty()) return "is empty: name addresses, networks and unix, write all or none, or remove the line";
  const auto list = AddressList::parse(text);
  if (!list) return list.error();
  return {};
}

// Who is in this list can be anybody in all others.
Reason check_balancers(std::string_view text) {
  if (text == "all") return "must name the load balancers, not all: whoever is in it can claim any address";
  return check_address_list(text);
}

std::string shown_list(const std::string& text) { return text.empty() ? "all" : text; }

Reason check_door_allow(std::string_view text) { return check_address_list(text); }

Reason check_door_bind(std::string_view text) {
  if (text.empty()) return {};  // all, as for bind-address
  for (const auto address : split_at_commas(text)) {
    if (address.empty() || !parse_peer_address(address)) {
      return fmt::format("'{}' is no numeric IPv4 or IPv6 address", printable(address));
    }
  }
  return {};
}

Reason check_door_classes(std::string_view text) {
  if (parse_access_classes(text)) return {};
  return "must be a list of data, cluster, admin, each at most once, divided by commas";
}

std::optional<std::string> door_name_of(std::string_view option) {
  if (!option.starts_with(door_prefix)) return std::nullopt;
  option.remove_prefix(door_prefix.size());
  return std::string(option.substr(0, option.find('.')));
}

std::optional<StartFailure> refuse_door_names(std::string_view program, const GivenOptions& given) {
  for (const auto* source : {&given.file, &given.command_line}) {
    for (const auto& option : *source) {
      const auto name = door_name_of(option.name);
      if (!name) continue;
      if (is_tenant_name(*name) && *name != main_door_name) continue;
      return StartFailure{ExitCode::configuration,
                          option_message(program, given.config_path, option,
                                         fmt::format("'{}' is no name for a door: take a-z, 0-9 and '-', not {}",
                                                     printable(*name), main_door_name))};
    }
  }
  return std::nullopt;
}

std::optional<StartFailure> finish_doors(std::string_view program, const GivenOptions& given,
                                         const CommonOptions& options) {
  if (options.doors.size() > doors_max) {
    return StartFailure{ExitCode::configuration, fmt::format("{}: {} doors are named, {} are allowed", program,
                                                             options.doors.size(), doors_max)};
  }
  for (const auto& [name, door] : options.doors) {
    const auto prefix = std::string(door_prefix) + name;
    if (door.port == 0) return failure(program, given, prefix + ".port", "is required: the port of this door");
    if (door.classes.empty()) {
      return failure(program, given, prefix + ".classes", "is required: which of data, cluster, admin it is for");
    }
  }
  if (auto prefixes = finish_key_prefixes(program, given, options)) return prefixes;
  const auto doors = doors_of(options);
  for (std::size_t count = 2; count <= doors.size(); ++count) {  // the later one of two is named
    const std::vector<Door> first(doors.begin(), doors.begin() + static_cast<std::ptrdiff_t>(count));
    if (const auto clash = door_clash(first)) {
      return failure(program, given, std::string(door_prefix) + doors[count - 1].name + ".port", *clash);
    }
  }
  if (options.auth_file.empty()) return std::nullopt;
  const auto open = std::find_if(doors.begin(), doors.end(),
                                 [](const Door& door) { return door.open_to_all().has_any_of(AccessClass::cluster); });
  if (open == doors.end()) return std::nullopt;
  return failure(program, given, "auth-file", open_cluster_reason(open->name));
}

TlsFiles tls_files(const CommonOptions& options) { return {options.tls_certificate, options.tls_key, options.tls_ca}; }

std::vector<Door> doors_of(const CommonOptions& options, AccessClasses by_users) {
  Door main;
  main.name = main_door_name;
  main.port = options.server_port;
  if (!options.bind_address.empty()) main.bind = {options.bind_address};
  if (options.cluster_tls) main.tls = DoorTls::mutual;
  main.data_from = list_of(options.client_allow_from);
  main.cluster_from = list_of(options.cluster_allow_from);
  main.admin_from = list_of(options.admin_allow_from);
  std::vector<Door> doors{main};
  for (const auto& [name, texts] : options.doors) doors.push_back(named_door(name, texts));
  for (auto& door : doors) door.proxies_from = list_of(options.proxy_protocol_from);
  if (options.auth_file.empty()) return doors;
  for (auto& door : doors) door.to_be_proven = by_users;
  return doors;
}

}  // namespace flare
