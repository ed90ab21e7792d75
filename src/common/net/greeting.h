#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/client.h"
#include "common/protocol/peer_hello.h"

namespace flare {

/// By the answer to `version`: what the peer understands (docs/design.md 1).
enum class PeerKind { unknown, original, ours };

/// How a daemon introduces itself on each connection that it opens.
struct OwnGreeting {
  PeerHello hello;
  bool identity_required = false;  // require-identity: nobody without an identity is dealt with
};
/// nullopt, or no function: no hello is said.
using Introduce = std::function<std::optional<OwnGreeting>()>;

/// The peer introduced itself, or need not.
struct Greeting {
  PeerKind kind = PeerKind::unknown;
  std::optional<PeerHello> hello;  // nullopt: an original, or one of ours that knows no hello
};

struct GreetingFailure {
  error_code error;      // of the connection; none if the peer answered something wrong
  bool foreign = false;  // the peer belongs to somebody else
  std::string text;      // a sentence
};

/// `version`, and `hello` to a daemon of ours, on a connection that has just been opened. `expected`: who should be
/// there; empty: anybody of this cluster. `client` must live until the answer.
IoTask<Result<Greeting, GreetingFailure>> greet_peer(PeerClient& client, std::optional<OwnGreeting> own,
                                                     NodeKey expected, PeerClient::Duration deadline);
/// The second half alone, where it is known that the peer is of ours.
IoTask<Result<Greeting, GreetingFailure>> say_hello(PeerClient& client, OwnGreeting own, NodeKey expected,
                                                    PeerClient::Duration deadline);

/// What the answer to `hello` means. Pure.
Result<Greeting, GreetingFailure> judge_hello_answer(std::string_view answer, const OwnGreeting& own,
                                                     const NodeKey& expected);

}  // namespace flare
