#pragma once

#include <chrono>
#include <cstddef>

/// Every bound of the daemons that is not an option, and the defaults of those that are. Bytes, seconds or counts as
/// named.
namespace flare::limits {

constexpr std::size_t line_bytes_max = 64 * 1024;          // protocol.md 9.11: a request line
constexpr std::size_t index_line_bytes_max = 8 * 1024;     // of flarei, whose requests are short
constexpr std::size_t key_bytes_max = 8191;                // protocol.md 1: keys
constexpr std::size_t value_bytes_max = 64 * 1024 * 1024;  // default of max-value-size
constexpr std::size_t proxy_hops_max = 3;    // replication.md 12: a longer prefix is not forwarded further
constexpr std::size_t map_nodes_max = 4096;  // NODE lines of one map

constexpr std::size_t read_buffer_bytes = 64 * 1024;        // borrowed by a session for one turn
constexpr std::size_t turn_output_bytes_max = 1024 * 1024;  // answers gathered before a turn writes
constexpr std::size_t peer_pending_max = 4096;              // requests on one connection to another node
constexpr std::size_t peer_pending_bytes_max = 64 * 1024 * 1024;
constexpr std::chrono::seconds failover_wait{17};  // default of the option: flarei's defaults, 3 probes x 5 s, and 2 s

// Stale and won marks of meta commands: a key's mark beyond is forgotten, as at a restart. The longest key fits.
constexpr std::size_t item_marks_max = 65'536;
constexpr std::size_t item_mark_key_bytes_max = 4 * 1024 * 1024;

// Living with originals (docs/replication.md 5).
constexpr std::size_t kept_writes_bytes_max = 64 * 1024 * 1024;  // while a new store is swapped in
constexpr std::uint64_t resent_entries_max = 10'000;             // to a slave of which a new master knows nothing
constexpr std::size_t original_slaves_max = 32;

// The return of a node that was ahead, by keys (docs/replication.md 11); beyond, by a snapshot.
constexpr std::size_t correction_keys_max = 100'000;
constexpr std::size_t correction_key_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t correction_bytes_max = 16 * 1024 * 1024;  // of what the source has for them

constexpr int listen_backlog = 1024;                          // docs/design.md 2
constexpr int connections_max = 10'000;                       // default of max-connection
constexpr std::size_t node_connections_max = 1024;            // of the cluster's own daemons, beside max-connection
constexpr std::size_t node_connections_of_address_max = 256;  // of them, from one address
constexpr std::size_t trial_connections_max = 64;  // that have still to show that they are a daemon's; the oldest goes
constexpr std::chrono::seconds trial_deadline{2};  // for their first request

constexpr std::chrono::seconds tls_handshake_deadline{10};
constexpr std::size_t tls_handshakes_max = 1024;  // begun and not made, of all threads; the oldest goes

constexpr std::size_t connection_memory_max = 256 * 1024 * 1024;  // default of max-connection-memory
constexpr std::size_t parked_bytes_max = 4096;  // the begin of a request that is kept without a buffer

constexpr std::size_t partings_max = 256;  // connections at a time that are told why they are closed
constexpr std::size_t parting_bytes_max = 256 * 1024;
constexpr std::chrono::seconds parting_deadline{1};

constexpr std::chrono::seconds connect_deadline{2};
constexpr std::chrono::seconds map_delivery_deadline{5};  // cluster.md 9.4: the original waits for days
constexpr std::chrono::seconds peer_write_deadline{10};
constexpr std::chrono::seconds stop_deadline{5};  // drain of work at the end

}  // namespace flare::limits
