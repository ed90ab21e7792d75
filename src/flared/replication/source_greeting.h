#pragma once

#include <string>

#include "common/base/result.h"
#include "common/net/client.h"
#include "common/net/greeting.h"

namespace flare {

/// A source that answers `version` as an original does (cluster.md 10).
inline constexpr std::string_view original_master_text = "it is an original, which has no stream";

/// Connects, asks for the version and says hello: an original gets only what it can parse. The error is a sentence, and
/// original_master_text for an original. `client` must live until the answer.
IoTask<Result<void, std::string>> greet_source(PeerClient& client, std::string host, int port, std::string bind_address,
                                               Introduce introduce, PeerClient::Duration answer_deadline);

}  // namespace flare
