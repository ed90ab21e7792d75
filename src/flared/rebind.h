#pragma once

#include "common/base/log.h"
#include "common/daemon/start_failure.h"
#include "flared/options.h"

namespace flare {

/// `flared --rebind`: makes a data-dir free for another cluster, tenant or name, if its store holds no records
/// (docs/operations.md). Asks no index and starts nothing. ExitCode::ok with a text for stdout, or why not.
StartFailure rebind_data_dir(const FlaredOptions& options, Log& log);

}  // namespace flare
