#include "flared/replication/importer.h"

#include <utility>

#include "flared/replication/importer_run.h"

namespace flare {

Importer::Importer(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks,
                   FollowerOptions options)
    : run_(std::make_shared<ImporterRun>(executor, storage, pool, std::move(callbacks), options)) {}

Importer::~Importer() { run_->abandon(); }

void Importer::gather(std::vector<Target> sources, FormerPartition former) {
  run_->gather(std::move(sources), std::move(former));
}

IoTask<bool> Importer::take_over(std::chrono::steady_clock::duration patience) {
  return run_->take_over(run_, patience);
}

void Importer::stop() { run_->stop(); }

void Importer::set_pace(const DumpPace& pace) { run_->set_pace(pace); }

}  // namespace flare
