#include "common/net/own_identity.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/printable.h"

namespace flare {
namespace {

constexpr std::size_t logged_max = 256;  // then all are forgotten, and said once more

// Without the port, which is another one with each connection.
std::string_view host_of(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

}  // namespace

OwnIdentity::OwnIdentity(Setup setup, Log& log) : setup_(std::move(setup)), log_(log) {}

OwnGreeting OwnIdentity::greeting() const {
  const std::lock_guard lock{mutex_};
  return {setup_.hello, setup_.required};
}

ClusterIdentity OwnIdentity::cluster() const {
  const std::lock_guard lock{mutex_};
  return setup_.hello.identity;
}

Result<void, std::string> OwnIdentity::adopt(const std::string& cluster_id) {
  const std::lock_guard lock{mutex_};
  auto& own = setup_.hello.identity;
  if (cluster_id.empty() || own.cluster == cluster_id) return {};
  if (!own.cluster.empty()) return fmt::format("this is {}, not cluster {}", to_text(own), printable(cluster_id));
  return take(cluster_id);
}

Result<void, std::string> OwnIdentity::become(const std::string& cluster_id) {
  const std::lock_guard lock{mutex_};
  return take(cluster_id);
}

Result<void, std::string> OwnIdentity::take(const std::string& cluster_id) {
  auto& own = setup_.hello.identity;
  const ClusterIdentity changed{cluster_id, own.tenant};
  if (setup_.keep) {
    if (auto kept = setup_.keep(changed); !kept) return kept;
  }
  own = changed;
  return {};
}

OwnIdentity::HelloAnswer OwnIdentity::answer_hello(std::string_view words, std::string_view peer) {
  const auto hello = parse_hello_words(words);
  if (!hello) return {false, "CLIENT_ERROR bad hello\r\n", {}};
  const std::lock_guard lock{mutex_};
  const auto& own = setup_.hello;
  const auto kin = kinship(own.identity, hello->identity);
  const bool unproven = kin == Kinship::unknown && setup_.required && hello->identity == ClusterIdentity{};
  if (kin == Kinship::foreign || unproven) {
    HelloAnswer answer{false, refuse(hello->identity, hello->key.text, peer), {}};
    const bool of_tenant = !own.identity.tenant.empty() && own.identity.tenant == hello->identity.tenant;
    if (of_tenant && is_cluster_id(hello->identity.cluster)) answer.other_cluster = hello->identity.cluster;
    return answer;
  }
  return {true, "HELLO " + hello_words(own) + "\r\n", hello->start_id};
}

std::string OwnIdentity::refusal_of(const ClusterIdentity& told, std::string_view what, std::string_view peer) {
  const std::lock_guard lock{mutex_};
  if (kinship(setup_.hello.identity, told) != Kinship::foreign) return {};
  return refuse(told, what, peer);
}

std::string OwnIdentity::refuse(const ClusterIdentity& told, std::string_view what, std::string_view peer) {
  const auto& own = setup_.hello;
  const auto seen = fmt::format("{} {} {}", host_of(peer), what, to_text(told));
  if (logged_.size() >= logged_max) logged_.clear();
  if (logged_.insert(seen).second) {
    log_.warning("{} at {} is refused: it is of {}, and this is {} of {}", printable(what), printable(peer),
                 printable(to_text(told)), own.key.text, to_text(own.identity));
  }
  return fmt::format("{}: this is {} of {}, not of {}\r\n", foreign_answer, own.key.text, to_text(own.identity),
                     printable(to_text(told)));
}

}  // namespace flare
