#pragma once

#include <cstdint>
#include <string_view>

#include "common/protocol/output_buffer.h"

/// The answers of docs/spec/protocol.md 2, written into an output buffer. Pure.
namespace flare {

/// Lines that never change, with their line end.
namespace reply {
constexpr std::string_view ok = "OK\r\n";
constexpr std::string_view end = "END\r\n";
constexpr std::string_view stored = "STORED\r\n";
constexpr std::string_view not_stored = "NOT_STORED\r\n";
constexpr std::string_view exists = "EXISTS\r\n";
constexpr std::string_view not_found = "NOT_FOUND\r\n";
constexpr std::string_view deleted = "DELETED\r\n";
constexpr std::string_view touched = "TOUCHED\r\n";
constexpr std::string_view error = "ERROR\r\n";
constexpr std::string_view unauthenticated = "CLIENT_ERROR unauthenticated\r\n";       // as memcached says it
constexpr std::string_view login_refused = "CLIENT_ERROR authentication failure\r\n";  // likewise
constexpr std::string_view login_busy = "SERVER_ERROR busy, try again\r\n";
constexpr std::string_view bad_data_chunk = "CLIENT_ERROR bad data chunk\r\n";
constexpr std::string_view line_too_long = "CLIENT_ERROR line too long\r\n";
constexpr std::string_view format_error = "CLIENT_ERROR format error\r\n";
constexpr std::string_view no_client_versions =
    "CLIENT_ERROR a client may not give a version here (option client-versions)\r\n";
constexpr std::string_view bad_format = "CLIENT_ERROR bad command line format\r\n";
constexpr std::string_view bad_delta = "CLIENT_ERROR invalid numeric delta argument\r\n";
constexpr std::string_view bad_exptime = "CLIENT_ERROR invalid exptime argument\r\n";
constexpr std::string_view bad_delete = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
constexpr std::string_view thread_not_found = "CLIENT_ERROR thread not found\r\n";
constexpr std::string_view non_numeric = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
constexpr std::string_view too_large = "SERVER_ERROR object too large for cache\r\n";
constexpr std::string_view map_too_large = "SERVER_ERROR node map too large\r\n";
constexpr std::string_view node_sync_error = "SERVER_ERROR node sync error\r\n";
constexpr std::string_view reset = "RESET\r\n";
constexpr std::string_view no_detail =
    "CLIENT_ERROR stats detail is not available: nothing is counted by prefixes of keys\r\n";
constexpr std::string_view not_available = "SERVER_ERROR not available on current storage type\r\n";
constexpr std::string_view stray_proxy_header =
    "CLIENT_ERROR access denied (a PROXY protocol header from an address that is not in proxy-protocol-from)\r\n";
constexpr std::string_view too_many_connections = "ERROR Too many open connections\r\n";  // as memcached says it
constexpr std::string_view answer_too_large = "SERVER_ERROR out of memory writing get response\r\n";
constexpr std::string_view no_partition = "SERVER_ERROR no partition available\r\n";      // cluster.md 5.2
constexpr std::string_view replication_timeout = "SERVER_ERROR replication timeout\r\n";  // outcome unknown
constexpr std::string_view too_few_replicas =
    "SERVER_ERROR too few replicas in sync (min-sync-replicas): nothing was done\r\n";
constexpr std::string_view proxy_failure = "SERVER_ERROR proxy failure\r\n";  // surely not done
constexpr std::string_view proxy_error = "SERVER_ERROR proxy error\r\n";      // outcome unknown
constexpr std::string_view flush_at_slave =
    "SERVER_ERROR flush_all refused: this node is a slave, flush its master\r\n";
constexpr std::string_view flush_too_early =
    "SERVER_ERROR flush_all refused: this master was down or asked to go down less than 30 s ago\r\n";
constexpr std::string_view busy = "SERVER_ERROR database busy\r\n";
constexpr std::string_view nothing_to_acknowledge = "SERVER_ERROR nothing to acknowledge\r\n";
constexpr std::string_view out_of_disk_space = "SERVER_ERROR out of disk space\r\n";
constexpr std::string_view io_error = "SERVER_ERROR i/o error\r\n";
}  // namespace reply

/// `VALUE k flag size` CRLF data CRLF, the form of get and gat.
void append_value(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data);
/// The form of gets and gats: with the version behind the size.
void append_value_with_version(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data,
                               std::uint64_t version);
/// The form of dump: version and absolute expire behind the size.
void append_dump_value(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data,
                       std::uint64_t version, std::int64_t expire_s);
/// `KEY k`, the form of dump_key.
void append_key(OutputBuffer& out, std::string_view key);
/// The answer of incr and decr.
void append_number_line(OutputBuffer& out, std::uint64_t number);
/// `STAT name value`.
void append_stat(OutputBuffer& out, std::string_view name, std::string_view value);
void append_stat(OutputBuffer& out, std::string_view name, std::uint64_t value);

}  // namespace flare
