#include "support/socket_buffers.h"

#include <fstream>
#include <stdexcept>
#include <string>

namespace flare::test {
namespace {

// The third number: the least, the default, the most.
std::size_t most_of(const std::string& name) {
  std::ifstream in{"/proc/sys/net/ipv4/" + name};
  std::size_t least = 0;
  std::size_t usual = 0;
  std::size_t most = 0;
  if (!(in >> least >> usual >> most)) throw std::runtime_error("cannot read net.ipv4." + name);
  return most;
}

}  // namespace

std::size_t connection_bytes_max() { return most_of("tcp_rmem") + most_of("tcp_wmem"); }

}  // namespace flare::test
