#include "flared/storage_settings.h"

namespace flare {

StorageOptions storage_settings(const FlaredOptions& options) {
  StorageOptions storage;
  storage.data_dir = options.data_dir;
  storage.buckets = static_cast<std::int64_t>(options.storage_bucket_size);
  storage.large = options.storage_large;
  storage.alignment = static_cast<int>(options.storage_ap);
  if (options.log_max_bytes > 0) storage.log_max_bytes = options.log_max_bytes;
  storage.disk_reserve_bytes = options.disk_reserve_bytes;
  storage.flush_keep_s = options.flush_keep_s;
  storage.durability = options.durability;
  storage.deletions_max = static_cast<std::size_t>(options.storage_cache_size);
  storage.data_bytes_max = options.max_value_bytes;
  return storage;
}

}  // namespace flare
