#pragma once

#include <string>
#include <vector>

#include "support/text_client.h"

/// Doors with lists, for either daemon, and who is in them. The test itself (127.0.0.1) is node and operator: it makes
/// the cluster.
namespace flare::test::doors {

inline const std::string client = "127.0.1.5";
inline const std::string other_node = "127.0.3.5";
inline const std::string operators = "127.0.2.5";
inline const std::string node_and_operator = "127.0.0.1";
inline const std::string stranger = "127.0.9.9";
inline const std::string balancer = "127.0.5.1";

inline Address web(std::uint16_t web_port) { return {"127.0.0.1", web_port}; }
inline Address ops(std::uint16_t web_port) { return {"127.0.0.1", static_cast<std::uint16_t>(web_port + 1)}; }

inline std::vector<std::string> lines(const std::string& socket, std::uint16_t web_port) {
  return {"client-allow-from = 127.0.1.0/24, unix",
          "cluster-allow-from = 127.0.0.1, 127.0.3.0/24",
          "admin-allow-from = 127.0.2.0/24,127.0.0.1",
          "proxy-protocol-from = 127.0.5.1",
          "server-socket = " + socket,
          "door.web.port = " + std::to_string(web_port),
          "door.web.bind = 127.0.0.1, ::1",
          "door.web.allow = 127.0.1.0/24",
          "door.web.classes = data",
          "door.ops.port = " + std::to_string(web_port + 1),
          "door.ops.classes = cluster, admin",
          "door.ops.allow = 127.0.2.5, 127.0.9.9"};
}

}  // namespace flare::test::doors
