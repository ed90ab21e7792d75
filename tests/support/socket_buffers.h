#pragma once

#include <cstddef>

namespace flare::test {

/// The most bytes that the kernel takes between two daemons that neither of them has read: what must be more than a
/// connection holds is larger. Hosts differ in it (net.ipv4.tcp_rmem and tcp_wmem).
[[nodiscard]] std::size_t connection_bytes_max();

}  // namespace flare::test
