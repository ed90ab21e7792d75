#include "flared/storage/fresh_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_visitors.h"
#include "flared/storage/rewrite_rules.h"

namespace flare {

FreshStore::FreshStore(std::filesystem::path path, StorageOptions options)
    : path_(std::move(path)), options_(std::move(options)), deletions_(options_.deletions_max) {}

Result<std::unique_ptr<FreshStore>, FreshStore::Failure> FreshStore::begin(std::filesystem::path path,
                                                                           StorageOptions options,
                                                                           std::uint64_t items) {
  options.buckets = buckets_for(items, options.buckets);
  std::unique_ptr<FreshStore> fresh{new FreshStore{std::move(path), std::move(options)}};
  bool no_room = false;
  auto opened = HashStore::open(fresh->path_, fresh->options_, HashStore::Mode::build, &no_room);
  if (!opened) return Failure{opened.error(), no_room};
  fresh->store_ = std::move(*opened);
  return fresh;
}

FreshStore::~FreshStore() {
  if (store_) store_->close();
  if (!named_) ::unlink(path_.c_str());
}

Result<void, StorageError> FreshStore::put(std::string_view key, const RecordView& record) {
  return apply({.kind = EntryKind::set,
                .key = key,
                .version = record.version,
                .flags = record.flags,
                .expire_s = record.expire_s,
                .data = record.data});
}

Result<void, StorageError> FreshStore::apply(const LogEntry& entry) {
  if (!store_) return StorageError::io;
  SpaceClaim space{store_->space(), options_.reserve};
  ApplyVisitor visitor{entry, deletions_, nullptr, counted_, space};
  if (!store_->db().accept(entry.key.data(), entry.key.size(), &visitor, true)) return StorageError::io;
  return visitor.result();
}

std::uint64_t FreshStore::items() {
  return store_ ? static_cast<std::uint64_t>(std::max<std::int64_t>(0, store_->db().count())) : 0;
}

// Closed meanwhile: what it has mapped is given back here and not while others wait for the swap.
int FreshStore::sync() {
  if (!store_ || !store_->close()) return EIO;
  store_.reset();
  if (const int error = sync_closed_file(path_, options_.sync)) return error;
  auto opened = HashStore::open(path_, options_, HashStore::Mode::resume);
  if (!opened) return EIO;
  store_ = std::move(*opened);
  return 0;
}

bool FreshStore::close(const HashStore::Place& place) {
  if (!store_) return false;
  const auto store = std::move(store_);
  return store->close_at(place);
}

int FreshStore::take_name(const std::filesystem::path& name) {
  if (::rename(path_.c_str(), name.c_str()) != 0) return errno;
  named_ = true;
  return 0;
}

}  // namespace flare
