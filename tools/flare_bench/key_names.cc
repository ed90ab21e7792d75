#include "flare_bench/key_names.h"

#include <charconv>
#include <stdexcept>

#include "flare_bench/shape.h"

namespace flare::bench {

KeyNames::KeyNames(std::string prefix, std::size_t key_bytes) : blank_{std::move(prefix)} {
  if (blank_.size() + number_digits > key_bytes) {
    throw std::invalid_argument("--key-size: at least " + std::to_string(blank_.size() + number_digits) +
                                ", for the prefix and a number of ten digits");
  }
  blank_.resize(key_bytes, '0');
}

void KeyNames::append(KeyNumber key, std::string& out) const {
  out += blank_;
  auto number = static_cast<std::uint32_t>(key);
  for (auto digit = out.end(); number > 0; number /= 10) *--digit = static_cast<char>('0' + number % 10);
}

bool KeyNames::is_name_of(std::string_view name, KeyNumber key) const {
  if (name.size() != blank_.size()) return false;
  const auto head = blank_.size() - number_digits;
  if (name.substr(0, head) != std::string_view{blank_}.substr(0, head)) return false;
  std::uint32_t number = 0;
  const auto digits = name.substr(head);
  const auto end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end && number == static_cast<std::uint32_t>(key);
}

}  // namespace flare::bench
