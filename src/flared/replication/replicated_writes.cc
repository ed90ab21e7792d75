#include "flared/replication/replicated_writes.h"

#include <utility>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/protocol/exptime.h"
#include "common/protocol/proxy_prefix.h"

namespace flare {

namespace {

constexpr std::chrono::seconds closed_after{5};  // above the time in which a map reaches every live node

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
  closes_at_.reset();
  open_.store(true, std::memory_order_relaxed);
}

void ReplicatedWrites::close() {
  const std::lock_guard lock{mutex_};
  open_.store(false, std::memory_order_relaxed);
  master_ = {};
  begin(Mode::direct, nullptr);
}

void ReplicatedWrites::close_soon() {
  const std::lock_guard lock{mutex_};
  begin(Mode::direct, nullptr);
  closes_at_ = std::chrono::steady_clock::now() + closed_after;
}

void ReplicatedWrites::begin(Mode mode, Replacement* replacement) {
  mode_ = mode;
  replacement_ = replacement;
  kept_.clear();
  early_touches_.clear();
  kept_bytes_ = 0;
}

void ReplicatedWrites::build_into(Replacement* replacement) {
  const std::lock_guard lock{mutex_};
  whole_ = true;
  begin(replacement ? Mode::building : Mode::direct, replacement);
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
  const auto now_s = SystemClock{}.unix_s();
  for (const auto& [key, expire_s] : early_touches_) {
    const Operation touch{.kind = OperationKind::touch, .key = key, .expire_s = expire_s};
    if (!storage_.execute(touch, now_s, nullptr)) whole_ = false;
  }
  for (const auto& kept : kept_) {
    const Operation operation{.kind = kept.kind,
                              .key = kept.key,
                              .data = kept.data,
                              .flags = kept.flags,
                              .expire_s = kept.expire_s,
                              .version = kept.version,
                              .any_version = true,
                              .hold_until_s = kept.hold_until_s};
    if (!storage_.execute(operation, now_s, nullptr)) whole_ = false;
  }
  begin(Mode::direct, nullptr);
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
  if (closes_at_ && std::chrono::steady_clock::now() > *closes_at_) open_.store(false, std::memory_order_relaxed);
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
  if (built) note_touch(operation, *built);
  return built;
}

// A touch has no version: the dump may bring the record with the time that it had before.
void ReplicatedWrites::note_touch(const Operation& operation, const Outcome& outcome) {
  if (operation.kind != OperationKind::touch) {
    if (const auto early = early_touches_.find(operation.key); early != early_touches_.end())
      early_touches_.erase(early);
    return;
  }
  if (outcome.kind == OutcomeKind::touched) return;
  if (!early_touches_.insert_or_assign(std::string{operation.key}, operation.expire_s).second) return;
  kept_bytes_ += sizeof(Kept) + operation.key.size();
  if (kept_bytes_ > limits::kept_writes_bytes_max) whole_ = false;
}

void ReplicatedWrites::keep(const Operation& operation) {
  kept_bytes_ += sizeof(Kept) + operation.key.size() + operation.data.size();
  if (kept_bytes_ > limits::kept_writes_bytes_max) whole_ = false;
  if (!whole_) return;
  kept_.push_back({operation.kind, std::string{operation.key}, std::string{operation.data}, operation.flags,
                   operation.expire_s, operation.hold_until_s, operation.version});
}

}  // namespace flare
