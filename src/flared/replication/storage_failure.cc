#include "flared/replication/storage_failure.h"

#include <fmt/format.h>

namespace flare {

namespace {

std::string_view words_of(StorageError error) {
  switch (error) {
    case StorageError::io:
      return "i/o error";
    case StorageError::out_of_space:
      return "out of disk space";
    case StorageError::damaged:
      return "damaged record";
    case StorageError::too_old:
      return "the log does not reach back";
    case StorageError::sequence_gap:
      return "gap in the sequence";
    case StorageError::aborted:
      return "aborted";
    case StorageError::too_many_items:
    case StorageError::too_many_bytes:
    case StorageError::too_many_items_of_prefix:
    case StorageError::too_many_bytes_of_prefix:
      return "quota exceeded";
  }
  return "unknown";
}

}  // namespace

std::string store_failed(std::string_view what, StorageError error) {
  return fmt::format("own store: {}: {}", what, words_of(error));
}

}  // namespace flare
