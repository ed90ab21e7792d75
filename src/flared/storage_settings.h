#pragma once

#include "flared/options.h"
#include "flared/storage/storage_options.h"

namespace flare {

/// What the storage is told of the options.
StorageOptions storage_settings(const FlaredOptions& options);

}  // namespace flare
