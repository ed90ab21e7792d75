#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/client.h"
#include "common/net/greeting.h"
#include "common/net/task.h"
#include "flared/storage/log_entry.h"

namespace flare {

/// A node of another cluster, which this one's writes go to.
struct ClusterTarget {
  std::string host;
  int port = 0;
  std::string text() const { return host + ":" + std::to_string(port); }
  bool operator==(const ClusterTarget&) const = default;
};

/// One connection to another cluster, and the requests that it has still to take there. They stay when the connection
/// goes, and are sent anew on the next one from the first that has no answer: versions make that harmless. On the
/// control thread.
class ClusterLane {
 public:
  using Duration = PeerClient::Duration;
  struct Setup {
    IoExecutor executor;
    ClusterTarget target;
    std::string own_name;
    std::string bind_address;
    Duration answer_max = std::chrono::seconds{10};  // from one answer to the next
  };

  explicit ClusterLane(Setup setup) : setup_(std::move(setup)) {}

  // Each answers with the reason why it failed; empty: it did not.
  IoTask<std::string> connect(std::shared_ptr<ClusterLane> self);
  IoTask<std::string> deliver(std::shared_ptr<ClusterLane> self);
  /// The keys of the other cluster's nodes, by the peer's map; none if it does not tell them. While nothing is
  /// delivered.
  IoTask<std::vector<std::string>> ask_nodes(std::shared_ptr<ClusterLane> self);

  /// In the form that a peer of that kind takes.
  void add(const LogEntry& entry, PeerKind kind, std::int64_t now_s);
  void add_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s, PeerKind kind,
                    std::int64_t now_s);
  void clear();
  void close();

  PeerKind kind() const { return kind_; }  // of the present or the last connection
  bool closed_by_peer() { return !client_ || client_->closed_by_peer(); }
  std::size_t bytes() const { return bytes_.size(); }
  std::uint64_t taken() const { return taken_; }
  std::uint64_t left_out() const { return left_out_; }

 private:
  std::string sender(PeerKind kind) const;
  std::string judge(std::string_view answer);
  void leave_out();

  Setup setup_;
  std::unique_ptr<PeerClient> client_;
  PeerKind kind_ = PeerKind::unknown;
  std::string bytes_;
  std::vector<std::size_t> ends_;  // of each request in bytes_
  std::size_t done_ = 0;           // of them, from the front: answered
  bool one_by_one_ = false;        // one of them is not understood: which?
  std::uint64_t taken_ = 0;
  std::uint64_t left_out_ = 0;
};

/// What an answer to a request of a lane means. Pure.
enum class ClusterAnswer : std::uint8_t {
  taken,      // done, or not newer than what is there
  too_large,  // this entry cannot be there
  mistaken,   // it was not understood: the connection may have lost step
  not_now,    // try again later
};
ClusterAnswer judge_cluster_answer(std::string_view line);

}  // namespace flare
