#include "flared/storage/fresh_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_visitors.h"
#include "flared/storage/rewrite_rules.h"

namespace flare {

namespace {

/// Read, decide, write, without a log: nobody follows a store that is being made.
class BuildVisitor final : public kyotocabinet::DB::Visitor {
 public:
  BuildVisitor(const FreshStore::DecideChange& decide, Deletions& deletions, StoreQuota& counted)
      : decide_(decide), deletions_(deletions), counted_(counted) {}

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override {
    const auto before = static_cast<std::int64_t>(key_bytes + value_bytes);
    return carry_out({key, key_bytes}, decide_({.record = decode_record({value, value_bytes})}), 1, before, new_bytes);
  }

  const char* visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) override {
    const auto remembered = deletions_.find({key, key_bytes}).value_or(Deletions::Deletion{});
    const Present present{.record = std::nullopt,
                          .remembered_version = remembered.version,
                          .remembered_until_s = remembered.hold_until_s};
    return carry_out({key, key_bytes}, decide_(present), 0, 0, new_bytes);
  }

  const char* carry_out(std::string_view key, const Change& change, std::int64_t items_before,
                        std::int64_t bytes_before, std::size_t* new_bytes) {
    if (change.kind == ChangeKind::none) return NOP;
    if (change.kind == ChangeKind::remove || change.kind == ChangeKind::remember) {
      deletions_.remember(key, {change.version, change.hold_until_s});
      counted_.add(key, -items_before, -bytes_before);
      return REMOVE;  // of nothing is nothing
    }
    deletions_.forget(key);
    const auto bytes = compose_record(change.flags, change.expire_s, change.version, change.head, change.tail);
    counted_.add(key, 1 - items_before, static_cast<std::int64_t>(key.size() + bytes.size()) - bytes_before);
    *new_bytes = bytes.size();
    return bytes.data();
  }

  const FreshStore::DecideChange& decide_;
  Deletions& deletions_;
  StoreQuota& counted_;
};

}  // namespace

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

Result<void, StorageError> FreshStore::change(std::string_view key, std::size_t record_bytes_max,
                                              const DecideChange& decide) {
  if (!store_) return StorageError::io;
  SpaceClaim space{store_->space(), options_.reserve};
  if (const int error = space.take(key.size() + record_bytes_max)) {
    return means_out_of_space(error) ? StorageError::out_of_space : StorageError::io;
  }
  BuildVisitor visitor{decide, deletions_, counted_};
  if (!store_->db().accept(key.data(), key.size(), &visitor, true)) return StorageError::io;
  return {};
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
