#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace flare {

/// The keys of which a turn has asked other nodes, by hash. A write to one of them could take effect before it is read:
/// the turn ends first, and the write follows with the next one (docs/design.md 2: one key's requests on one
/// connection keep their order). Two keys of one slot only end a turn too early. Pure; one for each worker.
class KeysElsewhere {
 public:
  void begin_turn() {
    if (++turn_ == 0) {  // once in 4 billion turns
      if (turns_) turns_->fill(0);
      turn_ = 1;
    }
  }
  void add(std::uint32_t key_hash) {
    if (!turns_) turns_ = std::make_unique<Turns>();  // only where requests are sent on
    (*turns_)[key_hash % slots] = turn_;
  }
  bool contains(std::uint32_t key_hash) const { return turns_ && (*turns_)[key_hash % slots] == turn_; }

 private:
  static constexpr std::size_t slots = 4096;
  using Turns = std::array<std::uint32_t, slots>;  // in which a key of the slot was last read elsewhere

  std::uint32_t turn_ = 0;
  std::unique_ptr<Turns> turns_;
};

}  // namespace flare
