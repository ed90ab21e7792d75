#include "flared/replication/cluster_lane.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/limits.h"
#include "common/base/printable.h"
#include "common/protocol/proxy_prefix.h"
#include "common/protocol/words.h"
#include "flared/replication/original_forms.h"

namespace flare {

namespace {

constexpr std::size_t map_lines_max = 100'000;
constexpr std::string_view role_suffix = ":role";
constexpr std::size_t least_bytes_per_s = 1024 * 1024;  // above a second for each MiB a connection counts as hung

}  // namespace

ClusterAnswer judge_cluster_answer(std::string_view line) {
  if (judge_original_answer(line) == OriginalAnswer::taken) return ClusterAnswer::taken;
  if (line.starts_with("SERVER_ERROR object too large")) return ClusterAnswer::too_large;
  // A node that does not let this one in, and what is no flared at all, may be set right.
  if (line.starts_with("CLIENT_ERROR access denied")) return ClusterAnswer::not_now;
  return line.starts_with("CLIENT_ERROR") ? ClusterAnswer::mistaken : ClusterAnswer::not_now;
}

IoTask<std::string> ClusterLane::connect([[maybe_unused]] std::shared_ptr<ClusterLane> self) {
  client_ = std::make_unique<PeerClient>(setup_.executor);
  const auto& target = setup_.target;
  const auto connected =
      co_await client_->connect(target.host, target.port, setup_.bind_address, limits::connect_deadline);
  if (!connected) co_return fmt::format("cannot connect: {}", connected.error().message());
  // No hello: this node is none of the other cluster's (docs/design.md 5).
  std::optional<OwnGreeting> none;
  NodeKey anybody;
  const auto greeted = co_await greet_peer(*client_, std::move(none), std::move(anybody), limits::connect_deadline);
  if (!greeted) co_return greeted.error().text;
  kind_ = greeted->kind;
  co_return std::string{};
}

// To an original as a client's own request: with a prefix a slave would keep it for itself (docs/spec/cluster.md 5.2).
// A node of ours passes a prefixed one on to the key's master, and behind `copy` takes its version however high.
std::string ClusterLane::sender(PeerKind kind) const {
  if (kind == PeerKind::original) return {};
  return fmt::format("{},{}", copying_name, setup_.own_name);
}

void ClusterLane::add(const LogEntry& entry, PeerKind kind, std::int64_t now_s) {
  append_original_form(bytes_, entry, sender(kind), now_s);
  ends_.push_back(bytes_.size());
}

void ClusterLane::add_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s, PeerKind kind,
                               std::int64_t now_s) {
  append_original_deletion(bytes_, key, version, hold_until_s, sender(kind), now_s);
  ends_.push_back(bytes_.size());
}

IoTask<std::string> ClusterLane::deliver([[maybe_unused]] std::shared_ptr<ClusterLane> self) {
  while (done_ < ends_.size()) {
    const auto last = one_by_one_ ? done_ + 1 : ends_.size();
    const auto begin = done_ == 0 ? 0 : ends_[done_ - 1];
    const auto piece = std::string_view{bytes_}.substr(begin, ends_[last - 1] - begin);
    const auto patience = setup_.answer_max + std::chrono::seconds{piece.size() / least_bytes_per_s};
    const auto written = co_await client_->write(piece, patience);
    if (!written) co_return fmt::format("writing: {}", written.error().message());
    while (done_ < last) {
      const auto answer = co_await client_->read_line(setup_.answer_max);
      if (!answer) co_return fmt::format("waiting for an answer: {}", answer.error().message());
      if (auto failed = judge(*answer); !failed.empty()) co_return failed;
    }
  }
  clear();
  co_return std::string{};
}

IoTask<std::vector<std::string>> ClusterLane::ask_nodes([[maybe_unused]] std::shared_ptr<ClusterLane> self) {
  std::vector<std::string> nodes;
  if (const auto sent = co_await client_->write("stats nodes\r\n", setup_.answer_max); !sent) co_return nodes;
  for (std::size_t lines = 0; lines < map_lines_max; ++lines) {
    const auto line = co_await client_->read_line(setup_.answer_max);
    if (!line || !line->starts_with("STAT ")) co_return nodes;
    Words words{line->substr(5)};
    const auto name = words.next();
    if (name.ends_with(role_suffix)) nodes.emplace_back(name.substr(0, name.size() - role_suffix.size()));
  }
  client_->close();  // its answer has no end
  co_return nodes;
}

std::string ClusterLane::judge(std::string_view answer) {
  switch (judge_cluster_answer(answer)) {
    case ClusterAnswer::taken:
      ++taken_;
      ++done_;
      return {};
    case ClusterAnswer::too_large:
      leave_out();
      return {};
    case ClusterAnswer::mistaken:
      if (one_by_one_) leave_out();
      one_by_one_ = true;
      break;
    case ClusterAnswer::not_now:
      break;
  }
  return fmt::format("the other cluster answers '{}'", printable(answer));
}

void ClusterLane::leave_out() {
  ++left_out_;
  ++done_;
}

void ClusterLane::clear() {
  constexpr std::size_t kept_bytes_max = 1024 * 1024;
  if (bytes_.capacity() > kept_bytes_max) bytes_ = {};  // after a huge value
  bytes_.clear();
  ends_.clear();
  done_ = 0;
  one_by_one_ = false;
}

void ClusterLane::close() {
  if (client_) client_->close();
}

}  // namespace flare
