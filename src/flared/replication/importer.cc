#include "flared/replication/importer.h"

#include <utility>

#include "flared/replication/importer_run.h"

namespace flare {

Importer::Importer(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks,
                   FollowerOptions options)
    : run_(std::make_shared<ImporterRun>(executor, storage, pool, std::move(callbacks), options)) {}

Importer::~Importer() { run_->abandon(); }

void Importer::gather(std::vector<Target> sources) { run_->gather(std::move(sources)); }

void Importer::stop() { run_->stop(); }

}  // namespace flare
