#include "flared/rebind.h"

#include <fmt/format.h>

#include "common/base/clock.h"
#include "common/cluster/node.h"
#include "common/daemon/data_dir_lock.h"
#include "common/daemon/identity.h"
#include "common/daemon/privileges.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/storage_settings.h"

namespace flare {
namespace {

constexpr const char* program = "flared";

StartFailure refuse(const FlaredOptions& options, std::string_view reason) {
  return {ExitCode::configuration, fmt::format("{}: --rebind: data-dir '{}' {}", program, options.data_dir, reason)};
}

Result<std::uint64_t, StartFailure> count_records(const FlaredOptions& options, Log& log) {
  const SystemClock clock;
  auto opened = KyotoStorage::open(storage_settings(options), log, clock);
  if (!opened) return StartFailure{ExitCode::io, fmt::format("{}: {}", program, opened.error().text)};
  const auto records = (*opened)->figures().items;
  if (!(*opened)->close()) return StartFailure{ExitCode::io, fmt::format("{}: the store cannot be closed", program)};
  return static_cast<std::uint64_t>(records);
}

}  // namespace

StartFailure rebind_data_dir(const FlaredOptions& options, Log& log) {
  auto account = BorrowedAccount::take(program, options.user, options.group);
  if (!account) return account.error();
  const auto lock = DataDirLock::take(program, options.data_dir);
  if (!lock) return lock.error();
  const IdentityFile file{program, options.data_dir};
  const auto kept = file.load();
  if (!kept) return kept.error();
  if (*kept && (*kept)->kind != DaemonKind::node) return refuse(options, "belongs to a flarei: it is left alone");
  const auto records = count_records(options, log);
  if (!records) return records.error();
  if (*records > 0) {
    return refuse(options, fmt::format("holds {} records: it is left alone; give this daemon an empty directory, or "
                                       "flush the store in its own cluster first",
                                       *records));
  }
  const DaemonIdentity free{
      DaemonKind::node, {"", options.tenant}, NodeKey{options.server_name, options.server_port}.text};
  if (const auto written = file.keep(free, log); !written) return written.error();
  account->give_back();
  return {ExitCode::ok,
          fmt::format("{}: data-dir '{}' was of {} and is free now: the next start binds it to the "
                      "cluster of its index",
                      program, options.data_dir, *kept ? (*kept)->name + ", " + to_text((*kept)->cluster) : "nobody")};
}

}  // namespace flare
