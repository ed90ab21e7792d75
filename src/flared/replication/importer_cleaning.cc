// What a source of an import has not got any more does not stay here (cluster.md 9.6).
#include <utility>

#include "flared/replication/importer_run.h"
#include "flared/replication/storage_failure.h"

namespace flare {

namespace {

// The keys of one former partition that a snapshot of its master did not show.
class UnseenKeys final : public RecordSink {
 public:
  UnseenKeys(const Importer::FormerPartition& former, PartitionId from, SeenKeys& seen)
      : former_(former), from_(from), seen_(seen) {}
  void record(std::string_view key, const RecordView&) override {
    if ((!former_ || former_(key) == from_) && !seen_.contains(key)) keys_.emplace_back(key);
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  const Importer::FormerPartition& former_;
  const PartitionId from_;
  SeenKeys& seen_;
  std::vector<std::string> keys_;
};

}  // namespace

// The source's next entries wait meanwhile, so all that is here of it is of before.
IoTask<std::string> ImporterRun::clean(SourcePointer source) {
  auto begin = [this] { return storage_.begin_scan(); };
  const auto scan = co_await pool_.run(std::move(begin));
  if (!scan) co_return store_failed("looking for what the source has no more", scan.error());
  (*scan)->forget_log();
  bool failed = false;
  for (bool more = true; more && !failed && !source->ended;) {
    auto slice = [this, &source, &scan, former = former_] {
      UnseenKeys unseen{former, source->target.from, source->seen};
      const auto next = (*scan)->next_slice(unseen);
      return std::pair{next.has_value() && *next, next.has_value() && remove(unseen.keys())};
    };
    const auto [goes_on, done] = co_await pool_.run(std::move(slice));
    more = goes_on;
    failed = !done;
  }
  source->seen.clear();
  source->clean_due = false;
  co_return failed ? "what the source has no more could not be removed" : std::string{};
}

// As any deletion: the slaves of the new partition follow.
bool ImporterRun::remove(const std::vector<std::string>& keys, OperationKind how) {
  if (keys.empty()) return true;
  const Storage::Batch batch{storage_};
  for (const auto& key : keys) {
    if (!storage_.execute({.kind = how, .key = key}, 0, nullptr)) return false;
  }
  return storage_.write_log().has_value();
}

}  // namespace flare
