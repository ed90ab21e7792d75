#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/storage/log_entry.h"

/// Up to where another cluster has this node's log (docs/operations.md, cluster replication), kept in the data-dir so
/// that a restart goes on from there.
namespace flare {

struct ClusterPosition {
  std::string target;  // <host>:<port> of the other cluster's node
  Position position;
  bool operator==(const ClusterPosition&) const = default;
};

/// One line, with its end. Pure, as are the next two.
std::string to_line(const ClusterPosition& position);
std::optional<ClusterPosition> parse_cluster_position(std::string_view line);
/// Whether the log can go on behind `kept`: it is of the same history, and that sequence had that epoch there.
bool is_in_history(const Position& kept, const Position& last, const EpochTable& epochs);

/// The file `cluster-replication` in the data-dir.
class ClusterPositionFile {
 public:
  explicit ClusterPositionFile(const std::filesystem::path& data_dir) : path_(data_dir / "cluster-replication") {}

  /// nullopt: there is none, or it is not one of ours.
  std::optional<ClusterPosition> read() const;
  /// The whole new content or the old one, whatever happens. A sentence names the file where it fails.
  Result<void, std::string> write(const ClusterPosition& position) const;

 private:
  std::filesystem::path path_;
};

}  // namespace flare
