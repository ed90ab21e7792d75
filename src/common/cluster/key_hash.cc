#include "common/cluster/key_hash.h"

#include <zlib.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace flare {
namespace {

constexpr std::array<std::pair<KeyHashAlgorithm, std::string_view>, 6> algorithm_names{{
    {KeyHashAlgorithm::simple, "simple"},
    {KeyHashAlgorithm::bitshift, "bitshift"},
    {KeyHashAlgorithm::crc32, "crc32"},
    {KeyHashAlgorithm::adler32, "adler32"},
    {KeyHashAlgorithm::murmur, "murmur"},
    {KeyHashAlgorithm::jenkins, "jenkins"},
}};

// cluster.md 2.1: simple and bitshift read bytes as signed chars.
std::uint32_t signed_byte(char byte) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<signed char>(byte)));
}

std::uint32_t byte_at(std::string_view key, std::size_t index) { return static_cast<unsigned char>(key[index]); }

// Little-endian, and shorter than four bytes at the end of the key.
std::uint32_t word_at(std::string_view key, std::size_t begin) {
  if (std::endian::native == std::endian::little && begin + sizeof(std::uint32_t) <= key.size()) {
    std::uint32_t whole = 0;
    std::memcpy(&whole, key.data() + begin, sizeof whole);
    return whole;
  }
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4 && begin + i < key.size(); ++i) word |= byte_at(key, begin + i) << (8 * i);
  return word;
}

std::uint32_t simple(std::string_view key) {
  std::uint32_t sum = 0;
  for (const char byte : key) sum += signed_byte(byte);
  return sum;
}

std::uint32_t bitshift(std::string_view key) {
  std::uint32_t hash = 19790217;
  for (const char byte : key) hash = 37 * hash + signed_byte(byte);
  return hash;
}

const Bytef* bytes_of(std::string_view key) { return reinterpret_cast<const Bytef*>(key.data()); }

std::uint32_t crc(std::string_view key) {
  return static_cast<std::uint32_t>(::crc32(0, bytes_of(key), static_cast<uInt>(key.size())));
}

std::uint32_t adler(std::string_view key) {
  return static_cast<std::uint32_t>(::adler32(1, bytes_of(key), static_cast<uInt>(key.size())));
}

// MurmurHash2 with the seed of cluster.md 2.1.
std::uint32_t murmur(std::string_view key) {
  constexpr std::uint32_t multiplier = 0x5bd1e995;
  const auto length = static_cast<std::uint32_t>(key.size());
  std::uint32_t hash = (0xdeadbeefU * length) ^ length;
  std::size_t begin = 0;
  for (; begin + 4 <= key.size(); begin += 4) {
    std::uint32_t word = word_at(key, begin) * multiplier;
    word ^= word >> 24;
    hash = (hash * multiplier) ^ (word * multiplier);
  }
  if (begin < key.size()) hash = (hash ^ word_at(key, begin)) * multiplier;
  hash = (hash ^ (hash >> 13)) * multiplier;
  return hash ^ (hash >> 15);
}

// Bob Jenkins' lookup3 "hashlittle" with initval 13.
struct Jenkins {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;

  void add(std::string_view block) {
    a += word_at(block, 0);
    b += word_at(block, 4);
    c += word_at(block, 8);
  }

  void mix() {
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }

  void finish() {
    c ^= b, c -= std::rotl(b, 14);
    a ^= c, a -= std::rotl(c, 11);
    b ^= a, b -= std::rotl(a, 25);
    c ^= b, c -= std::rotl(b, 16);
    a ^= c, a -= std::rotl(c, 4);
    b ^= a, b -= std::rotl(a, 14);
    c ^= b, c -= std::rotl(b, 24);
  }
};

std::uint32_t jenkins(std::string_view key) {
  const std::uint32_t start = 0xdeadbeef + static_cast<std::uint32_t>(key.size()) + 13;
  Jenkins state{start, start, start};
  if (key.empty()) return state.c;
  while (key.size() > 12) {
    state.add(key.substr(0, 12));
    state.mix();
    key.remove_prefix(12);
  }
  state.add(key);
  state.finish();
  return state.c;
}

std::uint32_t hash_bits(KeyHashAlgorithm algorithm, std::string_view key) {
  switch (algorithm) {
    case KeyHashAlgorithm::simple:
      return simple(key);
    case KeyHashAlgorithm::bitshift:
      return bitshift(key);
    case KeyHashAlgorithm::crc32:
      return crc(key);
    case KeyHashAlgorithm::adler32:
      return adler(key);
    case KeyHashAlgorithm::murmur:
      return murmur(key);
    case KeyHashAlgorithm::jenkins:
      return jenkins(key);
  }
  return 0;  // not reached: the switch names every algorithm
}

}  // namespace

std::string_view to_text(KeyHashAlgorithm algorithm) {
  for (const auto& [value, name] : algorithm_names) {
    if (value == algorithm) return name;
  }
  return {};
}

std::optional<KeyHashAlgorithm> key_hash_from_text(std::string_view word) {
  for (const auto& [value, name] : algorithm_names) {
    if (name == word) return value;
  }
  return std::nullopt;
}

std::uint32_t key_hash(KeyHashAlgorithm algorithm, std::string_view key) {
  const std::uint32_t bits = hash_bits(algorithm, key.substr(0, key.find('\0')));
  return bits > 0x80000000U ? 0U - bits : bits;  // |r|; -2^31 gives 2^31
}

}  // namespace flare
