#pragma once

#include <concepts>
#include <cstring>

/// Numbers in files, little-endian as the original's records (protocol.md 7). Pure.
namespace flare {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file formats are written in host order");

template <std::integral Number>
void put_number(char* at, Number number) {
  std::memcpy(at, &number, sizeof number);
}

template <std::integral Number>
Number get_number(const char* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

}  // namespace flare
