#pragma once

#include <string_view>

#include "common/protocol/request.h"
#include "common/protocol/request_line.h"

namespace flare {

/// What memcached 1.6.18 says to a client's line that names a command it knows and breaks its grammar (design.md 1):
/// first the number of words counts, then the key, then the numbers from left to right. `words` are those behind the
/// command. Empty where noreply silences it: memcached does so for all but a wrong number of words. What memcached
/// would take and the original does not stays the original's `ERROR`. Pure.
std::string_view refusal_text(Command command, std::string_view words, const ReaderLimits& limits);

}  // namespace flare
