#pragma once

#include <string>
#include <string_view>

#include "flared/storage/storage.h"

namespace flare {

/// A sentence on what the own store could not do, for the log.
std::string store_failed(std::string_view what, StorageError error);

}  // namespace flare
