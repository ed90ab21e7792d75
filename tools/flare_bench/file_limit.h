#pragma once

#include <cstdint>

namespace flare::bench {

/// Makes room for so many connections (RLIMIT_NOFILE). Throws Failure when the hard limit is too low.
void make_room_for(std::uint64_t connections);

}  // namespace flare::bench
