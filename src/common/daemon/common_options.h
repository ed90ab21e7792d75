#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/limits.h"

namespace flare {

/// Stands for "never" where an option takes a negative time (daemons.md 1.3, net-read-timeout).
constexpr std::chrono::seconds never{std::chrono::years{100}};

/// A named door as it is written (docs/security.md): door.NAME.port and so on. All checked; see door_options.h.
struct DoorTexts {
  int port = 0;
  std::string bind;             // numeric addresses; empty: all
  std::string allow;            // address list; empty: not given, open to all
  std::string classes;          // of data, cluster, admin
  std::string key_prefix;       // of flared only, as the rest (door_prefix_options.h); empty: no tenant's door
  std::uint64_t max_items = 0;  // of the keys with that prefix; 0: no limit
  std::uint64_t max_bytes = 0;
  std::uint64_t max_ops_per_second = 0;  // that come in at this door
  bool tls = false;
  bool operator==(const DoorTexts&) const = default;
};

/// What both daemons are told (daemons.md 1.1-1.3). Defaults that differ from the original are in
/// docs/compatibility.md.
struct CommonOptions {
  static constexpr bool serves_keys = false;  // whether doors may have a key-prefix

  // Only on the command line.
  std::string config_path;  // absolute; empty: none was given
  std::string pid_path;     // absolute; default <data-dir>/<program>.pid
  bool log_to_stderr = false;
  bool check_config = false;
  std::vector<std::string> command_line;  // the words after the program's name, for `reread`

  bool daemonize = false;
  std::string data_dir;  // canonical
  std::string log_facility = "user";
  int max_connection = limits::connections_max;
  std::string server_name;  // default: the host's full name
  int server_port = 0;
  std::string server_socket;      // absolute; empty: none
  std::string bind_address;       // numeric; empty: all
  std::string user;               // empty: stay who we are
  std::string group;              // empty: the user's own
  std::string tenant;             // empty: none
  bool require_identity = false;  // nobody without an identity is dealt with
  std::string client_allow_from;  // address lists of the main door; empty: not given, open to all
  std::string cluster_allow_from;
  std::string admin_allow_from;
  std::string auth_file;        // absolute; empty: no user is asked for
  std::string tls_certificate;  // absolute paths; empty: none
  std::string tls_key;
  std::string tls_ca;
  bool cluster_tls = false;                    // daemons speak TLS among each other
  std::string proxy_protocol_from;             // address list of load balancers, for all doors; empty: none
  std::map<std::string, DoorTexts> doors;      // named ones, beside the main door
  std::chrono::seconds net_read_timeout{600};  // `never` for a negative value

  // Accepted, without effect here: threads are not made for connections (design.md 2).
  int stack_size_kb = 128;
  int thread_pool_size = 5;

  bool operator==(const CommonOptions&) const = default;
};

}  // namespace flare
