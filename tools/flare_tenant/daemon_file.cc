#include "flare_tenant/daemon_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/config_file.h"
#include "common/base/printable.h"
#include "common/daemon/option_text.h"

namespace flare::tenant {
namespace {

constexpr int index_port_default = 12120;
constexpr int node_port_default = 12121;

bool is_any_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<int> parse_port(std::string_view text) {
  const auto port = parse_integer<int>(text);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  return port;
}

Door& door_named(DaemonFile& daemon, std::string_view name) {
  const auto found =
      std::find_if(daemon.doors.begin(), daemon.doors.end(), [&](const Door& door) { return door.name == name; });
  if (found != daemon.doors.end()) return *found;
  daemon.doors.push_back({.name = std::string{name}});
  return daemon.doors.back();
}

// The words between commas; one empty word for an empty text.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    const auto comma = text.find(',');
    const auto word = text.substr(0, comma);
    const auto first = std::min(word.find_first_not_of(" \t"), word.size());
    words.emplace_back(word.substr(first, word.find_last_not_of(" \t") + 1 - first));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

/// Takes the lines of one file; `index_name` and `index_port` are the older form of index-servers.
struct Taker {
  DaemonFile& daemon;
  std::string index_name{};
  int index_port = index_port_default;

  // `door.NAME.port`, `.bind`, `.allow`; other words of a door do not matter here. False: a bad value.
  bool take_door(std::string_view rest, const std::string& value) {
    const auto dot = rest.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    auto& door = door_named(daemon, rest.substr(0, dot));
    const auto word = rest.substr(dot + 1);
    if (word == "bind") door.bind = value;
    if (word == "allow") door.allow = value;
    if (word != "port") return true;
    const auto port = parse_port(value);
    if (port) door.port = *port;
    return port.has_value();
  }

  bool take_port(int& port, const std::string& value) {
    const auto parsed = parse_port(value);
    if (parsed) port = *parsed;
    return parsed.has_value();
  }

  bool take_indexes(const std::string& value) {
    auto parsed = parse_host_ports(value);
    if (parsed) daemon.indexes = std::move(*parsed);
    return parsed.has_value() || value.empty();
  }

  bool take(const std::string& name, const std::string& value) {
    constexpr std::string_view door_word = "door.";
    if (name.starts_with(door_word)) return take_door(std::string_view{name}.substr(door_word.size()), value);
    if (name == "tenant") daemon.tenant = value;
    if (name == "data-dir") daemon.data_dir = value;
    if (name == "server-name") daemon.server_name = value;
    if (name == "server-socket") daemon.server_socket = value;
    if (name == "bind-address") daemon.doors.front().bind = value;
    if (name == "index-server-name") index_name = value;
    if (is_any_of(access_names(), name)) daemon.access[name] = value;
    if (is_any_of(quota_names(), name)) daemon.quotas[name] = value;
    if (name == "server-port") return take_port(daemon.doors.front().port, value);
    if (name == "index-server-port") return take_port(index_port, value);
    if (name == "index-servers") return take_indexes(value);
    return true;
  }

  // `bind` of a door may name several addresses: a door for each of them.
  void divide_doors() {
    std::vector<Door> divided;
    for (const auto& door : daemon.doors) {
      for (auto& address : words_of(door.bind)) {
        divided.push_back(door);
        divided.back().bind = std::move(address);
      }
    }
    daemon.doors = std::move(divided);
  }

  void finish() {
    divide_doors();
    if (daemon.kind == Kind::node && daemon.indexes.empty() && !index_name.empty()) {
      daemon.indexes = {{index_name, index_port}};
    }
  }
};

}  // namespace

const std::vector<std::string>& quota_names() {
  static const std::vector<std::string> names{"max-items", "max-bytes", "max-connection", "max-ops-per-second"};
  return names;
}

const std::vector<std::string>& access_names() {
  static const std::vector<std::string> names{"client-allow-from", "cluster-allow-from", "admin-allow-from"};
  return names;
}

HostPort DaemonFile::reachable() const {
  const bool any = bind().empty() || bind() == "0.0.0.0" || bind() == "::";
  return {any ? "127.0.0.1" : bind(), port()};
}

Result<DaemonFile, std::string> parse_daemon_file(Kind kind, std::string_view text) {
  const auto entries = parse_config_text(text);
  if (!entries) return fmt::format("line {}: {}", entries.error().line, entries.error().reason);
  DaemonFile daemon{.kind = kind};
  daemon.doors.push_back({.port = kind == Kind::index ? index_port_default : node_port_default});
  Taker taker{daemon};
  for (const auto& entry : *entries) {
    if (taker.take(entry.name, entry.value)) continue;
    return fmt::format("line {}: option '{}': value '{}' is not a valid port, door or list of indexes", entry.line,
                       printable(entry.name), printable(entry.value));
  }
  taker.finish();
  if (daemon.data_dir.empty()) return std::string{"option 'data-dir' is missing"};
  const auto without_port =
      std::find_if(daemon.doors.begin(), daemon.doors.end(), [](const Door& door) { return door.port == 0; });
  if (without_port != daemon.doors.end()) return "door '" + printable(without_port->name) + "' has no port";
  return daemon;
}

}  // namespace flare::tenant
