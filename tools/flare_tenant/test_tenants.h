#pragma once

#include <string>

#include "flare_tenant/inventory.h"

namespace flare::tenant {

/// A daemon as its config file with these lines says it, its data-dir there and tight.
inline DaemonEntry daemon_of(Kind kind, const std::string& tenant, const std::string& lines) {
  const auto program = std::string{program_of(kind)};
  const auto folder = "/var/lib/flare/" + tenant + "/" + program;
  auto text = lines;
  if (lines.find("tenant =") == std::string::npos) text += "\ntenant = " + tenant;
  if (lines.find("data-dir =") == std::string::npos) text += "\ndata-dir = " + folder;
  DaemonEntry entry;
  entry.file = *parse_daemon_file(kind, text);
  entry.file.file = "/etc/flare/" + tenant + "/" + program + ".conf";
  entry.folder = {.exists = true, .private_to_owner = true, .real_path = entry.file.data_dir};
  return entry;
}

/// Index on `port`, node on the next, both at 127.0.0.1; `more` lines for the node.
inline Tenant tenant_at(const std::string& name, int port, const std::string& more = {}) {
  const auto place = [](int number) {
    return "server-name = 127.0.0.1\nbind-address = 127.0.0.1\nserver-port = " + std::to_string(number) + "\n";
  };
  return {.name = name,
          .daemons = {daemon_of(Kind::index, name, place(port)),
                      daemon_of(Kind::node, name,
                                place(port + 1) + "index-servers = 127.0.0.1:" + std::to_string(port) + "\n" + more)}};
}

}  // namespace flare::tenant
