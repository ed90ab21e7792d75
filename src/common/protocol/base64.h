#pragma once

#include <string>
#include <string_view>

/// Base64 with the standard alphabet and its padding (RFC 4648, chapter 4). Pure.
namespace flare {

/// Writes what `text` stands for over `bytes`, whose memory is used again. False: it is no base64.
bool decode_base64(std::string_view text, std::string& bytes);

}  // namespace flare
