#include "flared/replication/stream_checksum.h"

#include <xxhash.h>

#include <new>

namespace flare::stream {

void Checksum::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

Checksum::Checksum() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc{};
  reset();
}

void Checksum::reset() { XXH3_64bits_reset(state_.get()); }

void Checksum::add(std::string_view bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }

std::uint64_t Checksum::value() const { return XXH3_64bits_digest(state_.get()); }

}  // namespace flare::stream
