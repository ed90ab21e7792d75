#include "flared/replication/replicated_writes.h"

#include <utility>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/protocol/exptime.h"
#include "common/protocol/proxy_prefix.h"

namespace flare {

namespace {

// The form is known: set, delete or touch.
Operation to_replicated(const Request& request, std::int64_t now_s) {
  Operation operation;
  operation.key = request.key;
  operation.version = RecordVersion{request.version};
  operation.any_version = true;
  const auto absolute_s = absolute_expire_s(request.exptime, now_s);
  if (request.command == Command::remove) {
    operation.kind = OperationKind::remove;
    operation.hold_until_s = absolute_s;
    return operation;
  }
  operation.kind = request.command == Command::touch ? OperationKind::touch : OperationKind::set;
  operation.expire_s = absolute_s;
  operation.flags = request.flags;
  operation.data = request.data;
  return operation;
}

}  // namespace

bool is_replication_form(const Request& request) {
  if (!request.proxied) return false;
  switch (request.command) {
    case Command::set:
    case Command::remove:
      return request.version != 0;
    case Command::touch:
      return true;
    default:
      return false;
  }
}

void ReplicatedWrites::open(const NodeKey& master) {
  const std::lock_guard lock{mutex_};
  master_ = master;
  open_.store(true, std::memory_order_relaxed);
}

void ReplicatedWrites::close() {
  const std::lock_guard lock{mutex_};
  open_.store(false, std::memory_order_relaxed);
  master_ = {};
  mode_ = Mode::direct;
  replacement_ = nullptr;
  kept_.clear();
  kept_bytes_ = 0;
}

void ReplicatedWrites::build_into(Replacement* replacement) {
  const std::lock_guard lock{mutex_};
  replacement_ = replacement;
  mode_ = replacement ? Mode::building : Mode::direct;
  whole_ = true;
  kept_.clear();
  kept_bytes_ = 0;
}

void ReplicatedWrites::hold() {
  const std::lock_guard lock{mutex_};
  replacement_ = nullptr;
  mode_ = Mode::holding;
}

// In the order in which they came, before any that comes now. What went into the store by itself since the swap goes
// there a second time, which its version makes harmless.
bool ReplicatedWrites::release() {
  const Storage::Batch batch{storage_};
  const std::lock_guard lock{mutex_};
  for (const auto& kept : kept_) {
    const Operation operation{.kind = kept.kind,
                              .key = kept.key,
                              .data = kept.data,
                              .flags = kept.flags,
                              .expire_s = kept.expire_s,
                              .version = kept.version,
                              .hold_until_s = kept.hold_until_s,
                              .any_version = true};
    if (!storage_.execute(operation, SystemClock{}.unix_s(), nullptr)) whole_ = false;
  }
  kept_.clear();
  kept_bytes_ = 0;
  mode_ = Mode::direct;
  if (!storage_.write_log()) whole_ = false;
  return whole_;
}

bool ReplicatedWrites::build_is_whole() const {
  const std::lock_guard lock{mutex_};
  return whole_;
}

std::optional<Result<Outcome, StorageError>> ReplicatedWrites::take(const Request& request, std::int64_t now_s) {
  if (!is_replication_form(request)) return std::nullopt;
  const std::lock_guard lock{mutex_};
  if (!is_open() || last_prefix_name(request.prefix) != master_.text) return std::nullopt;
  taken_.fetch_add(1, std::memory_order_relaxed);
  return carry_out(to_replicated(request, now_s), now_s);
}

// The answer is that of the store that will stay.
Result<Outcome, StorageError> ReplicatedWrites::carry_out(const Operation& operation, std::int64_t now_s) {
  auto outcome = storage_.execute(operation, now_s, nullptr);
  if (mode_ == Mode::holding) keep(operation);
  if (mode_ != Mode::building) return outcome;
  auto built = replacement_->execute(operation, now_s);
  if (!built) whole_ = false;
  return built;
}

void ReplicatedWrites::keep(const Operation& operation) {
  kept_bytes_ += sizeof(Kept) + operation.key.size() + operation.data.size();
  if (kept_bytes_ > limits::kept_writes_bytes_max) {
    whole_ = false;
    kept_.clear();
    return;
  }
  kept_.push_back({operation.kind, std::string{operation.key}, std::string{operation.data}, operation.flags,
                   operation.expire_s, operation.hold_until_s, operation.version});
}

}  // namespace flare
