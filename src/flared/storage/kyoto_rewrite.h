#pragma once

#include "flared/storage/fresh_store.h"
#include "flared/storage/kyoto_storage.h"

namespace flare {

/// One rewrite of the store (docs/design.md 3.11): a scan into `flare.kch.rewrite`, what the log got meanwhile, and a
/// short swap. The history goes on: same log, same positions. On the rewriting thread; leaves nothing if it gives up.
class KyotoStorage::Rewrite {
 public:
  enum class End : std::uint8_t {
    given_up,  // a stop, a flush, a build or a repair came in between
    no_space,
    damaged,   // a record cannot be read: the file stays as it is
    log_gone,  // others write faster than this follows
    busy,      // somebody scanned the store all the time
    failed,
  };
  Rewrite(KyotoStorage& storage, const RewriteThread::Pause& pause) : storage_(storage), pause_(pause) {}

  Result<void, End> run();
  std::uint64_t bytes() const { return fresh_->bytes(); }
  RewriteThread::Duration stood_still() const { return stood_still_; }  // nobody got in during the swap

 private:
  Result<void, End> begin();
  Result<void, End> copy();
  Result<void, End> catch_up(bool gently);
  Result<bool, End> apply_next(std::size_t bytes_max);
  Result<void, End> apply_chunk();
  Result<void, End> swap();
  Result<bool, End> try_to_swap();
  Result<bool, End> swap_locked(FileDescriptor& old_file);
  Result<void, End> go_on(RewriteThread::Duration worked);
  bool void_now() const { return storage_.generation_ != generation_ || storage_.replacing_; }
  void reached(RewriteStep step) const;

  KyotoStorage& storage_;
  const RewriteThread::Pause& pause_;
  std::shared_ptr<UpdateLog> log_;
  std::uint64_t generation_ = 0;
  std::unique_ptr<FreshStore> fresh_;
  Sequence applied_{0};
  std::shared_ptr<void> pin_;  // of the log behind applied_
  std::string chunk_;          // entries in the log's encoding
  RewriteThread::Duration stood_still_{};
};

}  // namespace flare
