// One NODE line. What is accepted is written back and read alike.
#include <string>

#include "common/cluster/node_map_text.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto node = flare::parse_node_line(flare::fuzz::bytes_of(data, size));
  if (!node) return 0;
  std::string line;
  flare::append_node_line(line, *node);
  flare::fuzz::require(line.ends_with("\r\n"));
  line.resize(line.size() - 2);
  const auto again = flare::parse_node_line(line);
  flare::fuzz::require(again && *again == *node);
  return 0;
}
