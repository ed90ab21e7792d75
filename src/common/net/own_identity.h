#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/greeting.h"

namespace flare {

/// Who this daemon is, as long as it runs, and what it answers to those who say who they are (docs/design.md 5). Its
/// cluster id is set at most once, and only by what this daemon asked itself, or else by an operator's word. Safe from
/// any thread.
class OwnIdentity {
 public:
  struct Setup {
    PeerHello hello;
    bool required = false;                                                  // require-identity
    std::function<Result<void, std::string>(const ClusterIdentity&)> keep;  // durably; may be empty
  };

  OwnIdentity(Setup setup, Log& log);

  OwnGreeting greeting() const;
  ClusterIdentity cluster() const;
  bool required() const { return setup_.required; }

  /// Takes the cluster id over if there is none yet. The error is a sentence.
  Result<void, std::string> adopt(const std::string& cluster_id);

  /// By an operator's word: another cluster id in place of the present one.
  Result<void, std::string> become(const std::string& cluster_id);

  struct HelloAnswer {
    bool kin = false;
    std::string line;      // with CRLF
    std::string start_id;  // of the peer
    /// Of a peer that is foreign by its cluster id alone: it tells this tenant's name. Nobody has proven it.
    std::string other_cluster = {};
  };
  /// `words`: what follows `hello`; `peer`: address:port.
  HelloAnswer answer_hello(std::string_view words, std::string_view peer);
  /// The answer to a map or request of `told`, CRLF included; empty: it may be taken.
  std::string refusal_of(const ClusterIdentity& told, std::string_view what, std::string_view peer);

 private:
  Result<void, std::string> take(const std::string& cluster_id);
  std::string refuse(const ClusterIdentity& told, std::string_view what, std::string_view peer);

  Setup setup_;
  Log& log_;
  mutable std::mutex mutex_;
  std::set<std::string> logged_;  // whose refusal was said once
};

}  // namespace flare
