#pragma once

#include <atomic>

/// kill_steps_test.cc puts itself in the place of libc's functions that change files, for this whole program.
namespace flare {

inline std::atomic<bool> blocks_are_reserved{true};

/// While it lives, reserved blocks are not taken from the disk: for a file that is sparse and larger than the disk.
class NoBlocksReserved {
 public:
  NoBlocksReserved() { blocks_are_reserved = false; }
  ~NoBlocksReserved() { blocks_are_reserved = true; }
  NoBlocksReserved(const NoBlocksReserved&) = delete;
  NoBlocksReserved& operator=(const NoBlocksReserved&) = delete;
};

}  // namespace flare
