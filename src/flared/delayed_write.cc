#include "flared/delayed_write.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/protocol/item_answer.h"
#include "common/protocol/proxy_prefix.h"
#include "common/protocol/reply_writer.h"
#include "flared/disk_gate.h"
#include "flared/expiry_sweep.h"
#include "flared/forwarded_item.h"
#include "flared/item_execution.h"
#include "flared/item_operations.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/sync_gate.h"
#include "flared/worker.h"

namespace flare {
namespace {

/// A write at this node's store that owns what it needs.
class LocalWrite {
 public:
  virtual ~LocalWrite() = default;
  virtual std::string_view key() const = 0;
  virtual bool proxied() const = 0;
  /// Inside a Batch. Appends its answer.
  virtual Result<void, StorageError> execute(Worker& worker, std::int64_t now_s, OutputBuffer& out) const = 0;
  virtual void refuse(OutputBuffer& out, std::string_view error) const = 0;
};

class ClassicWrite final : public LocalWrite {
 public:
  explicit ClassicWrite(const Request& request) : key_(request.key), data_(request.data), request_(request) {
    request_.key = key_;
    request_.data = data_;
    request_.rest = {};
    request_.prefix = is_restoring(request.prefix) ? restoring_name : std::string_view{};
  }
  std::string_view key() const override { return key_; }
  bool proxied() const override { return request_.proxied; }

  Result<void, StorageError> execute(Worker& worker, std::int64_t now_s, OutputBuffer& out) const override {
    auto operation = to_operation(request_, now_s);
    operation.limited = true;
    const auto outcome = worker.setup().storage.execute(operation, now_s, nullptr);
    if (!outcome) return outcome.error();
    count(worker.counts(), request_, *outcome);
    append_answer(out, request_, *outcome);
    return {};
  }

  void refuse(OutputBuffer& out, std::string_view error) const override {
    if (!request_.noreply) out.append(error);
  }

 private:
  const std::string key_;
  const std::string data_;
  Request request_;
};

class ItemWrite final : public LocalWrite {
 public:
  explicit ItemWrite(const Request& request) : item_(*request.item), proxied_(request.proxied) {}
  std::string_view key() const override { return item_.request().key; }
  bool proxied() const override { return proxied_; }

  Result<void, StorageError> execute(Worker& worker, std::int64_t now_s, OutputBuffer& out) const override {
    auto& setup = worker.setup();
    return execute_item({setup.storage, setup.marks, worker.counts(), now_s, true}, item_.request(), out);
  }

  void refuse(OutputBuffer& out, std::string_view error) const override {
    append_item_answer(out, item_.request(), failed(error), 0);
  }

 private:
  const OwnedItem item_;
  const bool proxied_;
};

std::unique_ptr<LocalWrite> local_write(const Request& request) {
  if (request.command == Command::item) return std::make_unique<ItemWrite>(request);
  return std::make_unique<ClassicWrite>(request);
}

class DelayedWrite : public std::enable_shared_from_this<DelayedWrite> {
 public:
  DelayedWrite(Worker& worker, std::unique_ptr<LocalWrite> write, AnswerPlace place, bool sync)
      : worker_(worker), write_(std::move(write)), place_(std::move(place)), sync_(sync) {}

  void ask_for_room() {
    worker_.setup().control.reclaim([self = shared_from_this()](bool made_room) {
      asio::post(self->worker_.executor(), [self, made_room] { self->try_again(made_room); });
    });
  }

 private:
  void try_again(bool made_room) {
    const auto route = route_write(worker_.view(), write_->key(), write_->proxied());
    if (route.kind != Route::Kind::local) return refuse(reply::proxy_failure);  // this node leads no more
    const auto now_s = worker_.setup().clock.unix_s();
    OutputBuffer out;
    const auto done = execute(now_s, out);
    if (done && sync_) return answer_when_committed(std::move(out));
    if (done) return answer(out);
    if (over_quota(done.error())) {
      const bool in_time = std::chrono::steady_clock::now() < until_;
      const bool hope = worker_.setup().storage.quota().may_have_expired(now_s);
      if (made_room && in_time && hope) return ask_for_room();
      count_refusal(worker_.counts(), done.error());
    }
    refuse(answer_of(done.error()));
  }

  void answer_when_committed(OutputBuffer out) {
    auto kept = std::make_shared<OutputBuffer>(std::move(out));
    when_committed(worker_, [self = shared_from_this(), kept](bool committed) {
      committed ? self->answer(*kept) : self->refuse(reply::replication_timeout);
    });
  }

  void answer(const OutputBuffer& out) {
    if (!worker_.setup().answers_wait) return place_.fill(out.view());
    const Storage::Batch batch{worker_.setup().storage};
    fill_when_on_disk(worker_, place_, std::string{out.view()});
  }

  // docs/design.md 3.3: no answer leaves before the log is written.
  Result<void, StorageError> execute(std::int64_t now_s, OutputBuffer& out) {
    auto& storage = worker_.setup().storage;
    const Storage::Batch batch{storage};
    const auto done = write_->execute(worker_, now_s, out);
    if (const auto written = storage.write_log(); !written) return written.error();
    return done;
  }

  void refuse(std::string_view error) {
    OutputBuffer out;
    write_->refuse(out, error);
    place_.fill(out.view());
  }

  Worker& worker_;
  const std::unique_ptr<LocalWrite> write_;
  AnswerPlace place_;
  const bool sync_;  // answered when its copies have it (docs/replication.md 9)
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + ExpirySweep::patience;
};

}  // namespace

void write_when_reclaimed(Worker& worker, const Request& request, AnswerPlace place) {
  const auto* gate = worker.setup().gate;
  const bool sync = gate && is_sync_write(request, gate->sync());
  std::make_shared<DelayedWrite>(worker, local_write(request), std::move(place), sync)->ask_for_room();
}

}  // namespace flare
