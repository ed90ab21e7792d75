#include "flare_bench/wire.h"

#include "flare_bench/binary_wire.h"
#include "flare_bench/meta_wire.h"
#include "flare_bench/redis_wire.h"
#include "flare_bench/text_wire.h"

namespace flare::bench {

std::unique_ptr<Wire> make_wire(Protocol protocol, const KeyNames& names) {
  switch (protocol) {
    case Protocol::text:
      return std::make_unique<TextWire>(names);
    case Protocol::meta:
      return std::make_unique<MetaWire>(names);
    case Protocol::binary:
      return std::make_unique<BinaryWire>(names);
    case Protocol::redis:
      return std::make_unique<RedisWire>(names);
  }
  return nullptr;
}

}  // namespace flare::bench
