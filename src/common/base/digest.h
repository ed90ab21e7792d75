#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// What proofs of passwords and secrets are made of, by OpenSSL's libcrypto. Pure but for random bytes.
namespace flare {

using Digest = std::array<std::uint8_t, 32>;

Digest hmac_sha256(std::string_view key, std::string_view message);
/// From the system's generator. Throws std::runtime_error where it gives none: nothing may go on without.
std::string random_bytes(std::size_t count);

/// In a time that does not tell how much of them agrees, nor how long they are.
bool same_secret(std::string_view one, std::string_view other);

/// A password or secret in memory, wiped when it is no longer needed.
void wipe(std::string& secret);

}  // namespace flare
