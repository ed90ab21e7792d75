#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// The six key hashes of docs/spec/cluster.md 2.1. Pure.
namespace flare {

enum class KeyHashAlgorithm { simple, bitshift, crc32, adler32, murmur, jenkins };

std::string_view to_text(KeyHashAlgorithm algorithm);
std::optional<KeyHashAlgorithm> key_hash_from_text(std::string_view word);

/// |r| of cluster.md 2.1 as unsigned: for r = -2^31 it is 2^31, which a resolver may index with. The key ends at a NUL.
std::uint32_t key_hash(KeyHashAlgorithm algorithm, std::string_view key);

}  // namespace flare
