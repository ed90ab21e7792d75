#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/cluster/node.h"
#include "flared/storage/log_entry.h"

/// How a slave says where it stands, and what its source decides (docs/replication.md 3). Pure.
namespace flare {

constexpr std::size_t hello_epochs_max = 16;  // replication.md 3: the last 16 rows of the epoch table

/// `repl hello <partition> <partitions> <log-id hex> <epoch> <sequence> <e:s,e:s or -> <name:port>[ keys]`
struct Hello {
  PartitionId partition{0};
  int partitions = 1;
  Position position;
  EpochTable epochs;  // the newest hello_epochs_max rows, oldest first
  NodeKey slave;
  bool keys_due = false;  // `keys`: some keys here were read ahead of the position and must be read again (item 11)

  bool operator==(const Hello&) const = default;
};

/// The request line, without its line end.
std::string format_hello(const Hello& hello);
/// The error is a sentence for `CLIENT_ERROR`.
Result<Hello, std::string> parse_hello(std::string_view line);

/// `repl import <partition> <partitions> <name:port>[ <log-id hex> <epoch> <sequence>]`: a new partition's master asks
/// for the keys that will be its own (cluster.md 6.2), anew or from where it stands in the source's history. Read into
/// a Hello with or without (log-id 0) a position.
std::string format_import(const Hello& import);
Result<Hello, std::string> parse_import(std::string_view line);

/// `repl handover <partition> <partitions> <name:port>`: that partition is active, and its master asks a source to send
/// it all requests for its keys from now on (replication.md 7). Read into a Hello.
std::string format_handover(PartitionId partition, int partitions, const NodeKey& importer);
Result<Hello, std::string> parse_handover(std::string_view line);
/// `HANDOVER <log-id hex> <epoch> <sequence>`: behind this position the source has executed nothing for such a key.
std::string format_handover_answer(const Position& position);
std::optional<Position> parse_handover_answer(std::string_view line);

/// `repl backup <kb/s> <name>`: a snapshot and what follows it, for a file; 0: as fast as the node gives it. Any node
/// answers, first with the first line of a snapshot file, and tells nobody of it.
struct BackupRequest {
  std::uint64_t bandwidth_kb_s = 0;
  std::string name;  // of the one who asks: letters, digits, `.`, `_`, `-`

  bool operator==(const BackupRequest&) const = default;
};
std::string format_backup(const BackupRequest& request);
Result<BackupRequest, std::string> parse_backup(std::string_view line);

/// `e:s,e:s`, at most the newest hello_epochs_max rows; `-` for an empty table.
std::string format_epochs(const EpochTable& epochs);
std::optional<EpochTable> parse_epochs(std::string_view word);

struct StartDecision {
  enum class Kind { resume, keys, snapshot, refused };
  Kind kind = Kind::snapshot;
  std::string reason;    // why not resumed; for the log, and for the slave when refused
  Position common = {};  // of keys: the stream goes on behind it

  bool operator==(const StartDecision&) const = default;
};

/// Behind this sequence the source's log must have every entry, or it can only give a snapshot: the slave's own, or
/// where its log parts from the source's.
Sequence sequence_needed(const Hello& hello, const Position& own, const EpochTable& own_epochs);

/// `log_reaches_back`: whether the source's log still has every entry after `sequence_needed`.
/// `reign`: the source's, which may have no entry yet.
StartDecision decide_start(const Hello& hello, const Position& own, const EpochTable& own_epochs, bool log_reaches_back,
                           Epoch reign = Epoch{0});

}  // namespace flare
