// The file `identity` and the words of hello (docs/design.md 5). What is accepted is written back and read alike.
#include <string>

#include "common/daemon/identity.h"
#include "common/protocol/peer_hello.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = flare::fuzz::bytes_of(data, size);
  if (const auto identity = flare::parse_identity(bytes)) {
    const auto again = flare::parse_identity(flare::identity_text(*identity));
    flare::fuzz::require(again && *again == *identity);
  }
  if (const auto hello = flare::parse_hello_words(bytes)) {
    const auto again = flare::parse_hello_words(flare::hello_words(*hello));
    flare::fuzz::require(again && *again == *hello);
  }
  static_cast<void>(flare::identity_of_map(bytes));
  return 0;
}
