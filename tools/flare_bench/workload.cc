#include "flare_bench/workload.h"

#include <algorithm>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr std::size_t number_digits = 10;  // any 32-bit number

void check(const Shape& shape) {
  if (shape.key_bytes < number_digits + 1) throw std::invalid_argument("--key-size: at least 11");
  if (shape.value_bytes < number_digits) throw std::invalid_argument("--value-size: at least 10");
}

std::string padded(std::uint32_t number, std::size_t width) {
  const auto digits = std::to_string(number);
  return std::string(width - digits.size(), '0') + digits;
}

}  // namespace

Workload::Workload(const Shape& shape, std::uint64_t seed) : shape_{shape}, random_{seed} {
  check(shape);
  value_.assign(shape.value_bytes, 'v');
}

std::string Workload::key_name(std::uint32_t key) const { return "k" + padded(key, shape_.key_bytes - 1); }

std::string_view Workload::value_of(std::uint32_t key) {
  const auto digits = padded(key, number_digits);
  std::copy(digits.begin(), digits.end(), value_.begin());
  return value_;
}

void Workload::set_of(std::uint32_t key, std::string& requests, std::string& answers) {
  requests += "set " + key_name(key) + " 0 0 " + std::to_string(shape_.value_bytes) + "\r\n";
  requests += value_of(key);
  requests += "\r\n";
  answers += "STORED\r\n";
}

void Workload::get_of(std::uint32_t key, std::string& requests, std::string& answers) {
  const auto name = key_name(key);
  requests += "get " + name + "\r\n";
  answers += "VALUE " + name + " 0 " + std::to_string(shape_.value_bytes) + "\r\n";
  answers += value_of(key);
  answers += "\r\nEND\r\n";
}

void Workload::next_batch(std::string& requests, std::string& answers) {
  for (std::uint32_t number = 0; number < shape_.pipeline; ++number) {
    const auto key = static_cast<std::uint32_t>(random_() % shape_.keys);
    const bool sets = shape_.kind == Kind::set || (shape_.kind == Kind::mix && random_() % 100 < shape_.set_percent);
    sets ? set_of(key, requests, answers) : get_of(key, requests, answers);
  }
}

}  // namespace flare::bench
