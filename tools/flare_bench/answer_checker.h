#pragma once

#include <vector>

#include "flare_bench/answer.h"
#include "flare_bench/batch.h"
#include "flare_bench/tally.h"

namespace flare::bench {

/// Judges each answer by what was asked and counts it: every byte of every value, that none is missing, that none is
/// older than what was acknowledged.
class AnswerChecker {
 public:
  AnswerChecker(const KeyNames& names, const ValueBook& values, KeyShare share, KeyLedger& ledger)
      : names_{names}, values_{values}, share_{share}, ledger_{ledger} {}

  void check(const Asked& asked, std::span<const AskedKey> keys, const Answer& answer, Tally& tally);
  /// No answer will come: whether a set was done is not known.
  void give_up(const Asked& asked, std::span<const AskedKey> keys);

 private:
  void check_set(const AskedKey& key, const Answer& answer, Tally& tally);
  void check_get(std::span<const AskedKey> keys, const Answer& answer, Tally& tally);
  void check_value(const AskedKey& key, std::string_view value, Tally& tally);
  [[nodiscard]] std::optional<std::size_t> place_of(const FoundValue& found, std::span<const AskedKey> keys,
                                                    std::size_t likely) const;

  const KeyNames& names_;
  const ValueBook& values_;
  KeyShare share_;
  KeyLedger& ledger_;
  std::vector<bool> seen_{};
};

}  // namespace flare::bench
