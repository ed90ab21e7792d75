#include "flare_bench/key_ledger.h"

#include <cassert>

namespace flare::bench {
namespace {

constexpr Generation unknown{0};

Generation next(Generation generation) { return Generation{static_cast<std::uint32_t>(generation) + 1}; }

}  // namespace

KeyShare share_of(std::uint32_t keys, std::uint32_t number, std::uint32_t threads) {
  return {.first = number, .stride = threads, .count = keys / threads + (number < keys % threads ? 1U : 0U)};
}

KeyLedger::KeyLedger(std::uint32_t keys, Generation before_first)
    : entries_(keys), being_set_(keys), before_first_{before_first} {}

Generation KeyLedger::begin_set(KeyIndex key) {
  assert(!being_set(key));
  auto& entry = entries_[at(key)];
  being_set_[at(key)] = true;
  entry.issued = next(entry.issued == unknown ? before_first_ : entry.issued);
  return entry.issued;
}

void KeyLedger::end_set(KeyIndex key, bool stored) {
  assert(being_set(key));
  being_set_[at(key)] = false;
  if (stored) entries_[at(key)].acknowledged = entries_[at(key)].issued;
}

Verdict KeyLedger::judge(KeyIndex key, Generation floor, Generation seen) {
  auto& entry = entries_[at(key)];
  if (floor == unknown) {
    if (entry.issued == unknown) entry = {.acknowledged = seen, .issued = seen};
    return Verdict::right;
  }
  if (seen < floor) return Verdict::stale;
  return seen <= entry.issued ? Verdict::right : Verdict::wrong;
}

}  // namespace flare::bench
