#pragma once

#include <span>
#include <vector>

#include "flare_bench/batch.h"
#include "flare_bench/wire.h"

namespace flare::bench {

/// Appends requests to a batch and books them. One for each thread.
class RequestWriter {
 public:
  RequestWriter(const Wire& wire, const ValueBook& values, KeyShare share, KeyLedger& ledger)
      : wire_{wire}, values_{values}, share_{share}, ledger_{ledger} {}

  void append_get(std::span<const KeyIndex> keys, TimePoint from, Batch& batch);
  void append_set(KeyIndex key, TimePoint from, Batch& batch);

 private:
  const Wire& wire_;
  const ValueBook& values_;
  KeyShare share_;
  KeyLedger& ledger_;
  std::vector<KeyNumber> numbers_{};  // kept for its room
};

}  // namespace flare::bench
