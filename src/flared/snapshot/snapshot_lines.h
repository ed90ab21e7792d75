#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/cluster_identity.h"
#include "common/base/ids.h"
#include "common/base/result.h"

/// The first and the last line of a snapshot file (docs/design.md 3.5). Pure. Between them stand the very bytes of the
/// replication stream (docs/replication.md 3): `SNAPSHOT`, `DELETED` and `RECORD` messages, `SNAPSHOT-END`, then the
/// log's entries that make the fuzzy scan exact. So there is one codec for build, backup and restart.
namespace flare::snapshot {

constexpr int format = 1;

/// `FLARE-SNAPSHOT <format> <cluster id> <tenant> <node> <partition> <partitions> <taken at> <checksum>`; `-` for what
/// is not known. The checksum is XXH3 over the line before it.
struct Head {
  ClusterIdentity owner;
  std::string node;  // <server name>:<port>
  PartitionId partition = no_partition;
  int partitions = 0;  // 0: not known
  std::int64_t taken_s = 0;

  bool operator==(const Head&) const = default;
};
std::string format_head(const Head& head);
/// `line` is without its line end. The error is a sentence without the file's name; an unknown format is refused by it.
Result<Head, std::string> parse_head(std::string_view line);

/// `FLARE-SNAPSHOT-END <epoch> <sequence> <entries> <checksum>`: where the file stands, how many entries it holds, and
/// XXH3 over all bytes before this line.
struct End {
  Epoch epoch{0};
  Sequence sequence{0};
  std::uint64_t entries = 0;
  std::uint64_t checksum = 0;

  bool operator==(const End&) const = default;
};
std::string format_end(const End& end);
/// The error is a sentence; a line that is none of this kind is refused too.
Result<End, std::string> parse_end(std::string_view line);
bool is_end(std::string_view line);

}  // namespace flare::snapshot
