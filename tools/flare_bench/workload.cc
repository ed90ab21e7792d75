#include "flare_bench/workload.h"

#include <array>
#include <stdexcept>
#include <string>

namespace flare::bench {

Workload::Workload(const Shape& shape, std::uint32_t keys, std::uint64_t requests_at_a_time, std::uint64_t seed,
                   KeyLedger& ledger, RequestWriter& writer)
    : shape_{shape}, keys_{keys}, random_{seed}, ledger_{ledger}, writer_{writer} {
  if (keys < shape.keys_per_get) throw std::invalid_argument("--keys: each thread needs as many as --mget");
  // A key that is being set is not set again meanwhile: there must be others.
  if (shape.kind != Kind::get && keys <= requests_at_a_time) {
    throw std::invalid_argument("--keys: more than connections x pipeline are needed (" +
                                std::to_string(requests_at_a_time) + " for each thread)");
  }
}

bool Workload::append(TimePoint from, Batch& batch) {
  if (sets_next()) {
    writer_.append_set(key_to_set(), from, batch);
  } else {
    append_get(from, batch);
  }
  return true;
}

bool Workload::sets_next() {
  switch (shape_.kind) {
    case Kind::get:
      return false;
    case Kind::set:
    case Kind::fill:
      return true;
    case Kind::mix:
      break;
  }
  return below(std::uint64_t{shape_.reads} + shape_.sets) < shape_.sets;
}

// One key out of each of as many equal parts: random, and none twice.
void Workload::append_get(TimePoint from, Batch& batch) {
  const std::uint64_t parts = shape_.keys_per_get;
  chosen_.clear();
  for (std::uint64_t part = 0; part < parts; ++part) {
    const auto begin = keys_ * part / parts;
    const auto end = keys_ * (part + 1) / parts;
    chosen_.push_back(KeyIndex{static_cast<std::uint32_t>(begin) + below(end - begin)});
  }
  writer_.append_get(chosen_, from, batch);
}

KeyIndex Workload::key_to_set() {
  auto key = below(keys_);
  while (ledger_.being_set(KeyIndex{key})) key = (key + 1) % keys_;
  return KeyIndex{key};
}

bool Fill::append(TimePoint from, Batch& batch) {
  if (ended()) return false;
  writer_.append_set(KeyIndex{next_++}, from, batch);
  return true;
}

bool Greeting::append(TimePoint from, Batch& batch) {
  if (left_ == 0) return false;
  --left_;
  writer_.append_get(std::array{KeyIndex{0}}, from, batch);
  return true;
}

}  // namespace flare::bench
