#include "flare_bench/request_writer.h"

namespace flare::bench {

void RequestWriter::append_get(std::span<const KeyIndex> keys, TimePoint from, Batch& batch) {
  batch.requests.push_back({.sets = false, .first_key = batch.keys.size(), .key_count = keys.size(), .from = from});
  numbers_.clear();
  for (const auto key : keys) {
    numbers_.push_back(share_.number_of(key));
    batch.keys.push_back({.key = key, .generation = ledger_.floor(key)});
  }
  wire_.write_get(numbers_, batch.bytes);
}

void RequestWriter::append_set(KeyIndex key, TimePoint from, Batch& batch) {
  const auto generation = ledger_.begin_set(key);
  batch.requests.push_back({.sets = true, .first_key = batch.keys.size(), .key_count = 1, .from = from});
  batch.keys.push_back({.key = key, .generation = generation});
  const auto number = share_.number_of(key);
  wire_.write_set_head(number, values_.bytes(), batch.bytes);
  values_.append(number, generation, batch.bytes);
  batch.bytes += wire_.set_tail();
}

}  // namespace flare::bench
