#include "flared/delayed_write.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/protocol/reply_writer.h"
#include "flared/expiry_sweep.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/worker.h"

namespace flare {
namespace {

class DelayedWrite : public std::enable_shared_from_this<DelayedWrite> {
 public:
  DelayedWrite(Worker& worker, const Request& request, AnswerPlace place)
      : worker_(worker), key_(request.key), data_(request.data), request_(request), place_(std::move(place)) {
    request_.key = key_;
    request_.data = data_;
    request_.prefix = request_.rest = {};
  }

  void ask_for_room() {
    worker_.setup().control.reclaim([self = shared_from_this()](bool made_room) {
      asio::post(self->worker_.executor(), [self, made_room] { self->try_again(made_room); });
    });
  }

 private:
  void try_again(bool made_room) {
    const auto route = route_write(worker_.view(), request_.key, request_.proxied);
    if (route.kind != Route::Kind::local) return finish(reply::proxy_failure);  // this node leads no more
    auto& setup = worker_.setup();
    const auto now_s = setup.clock.unix_s();
    auto operation = to_operation(request_, now_s);
    operation.limited = true;
    const auto outcome = write(operation, now_s);
    if (!outcome && over_quota(outcome.error())) {
      const bool in_time = std::chrono::steady_clock::now() < until_;
      if (made_room && in_time && setup.storage.quota().may_have_expired(now_s)) return ask_for_room();
      count_refusal(worker_.counts(), outcome.error());
    }
    if (!outcome) return finish(answer_of(outcome.error()));
    count(worker_.counts(), request_, *outcome);
    OutputBuffer out;
    append_answer(out, request_, *outcome);
    place_.answers->fill(place_.place, out.view());
  }

  // docs/design.md 3.3: no answer leaves before the log is written.
  Result<Outcome, StorageError> write(const Operation& operation, std::int64_t now_s) {
    auto& storage = worker_.setup().storage;
    const Storage::Batch batch{storage};
    const auto outcome = storage.execute(operation, now_s, nullptr);
    if (const auto written = storage.write_log(); !written) return written.error();
    return outcome;
  }

  void finish(std::string_view answer) {
    place_.answers->fill(place_.place, request_.noreply ? std::string_view{} : answer);
  }

  Worker& worker_;
  const std::string key_;
  const std::string data_;
  Request request_;
  AnswerPlace place_;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + ExpirySweep::patience;
};

}  // namespace

void write_when_reclaimed(Worker& worker, const Request& request, AnswerPlace place) {
  std::make_shared<DelayedWrite>(worker, request, std::move(place))->ask_for_room();
}

}  // namespace flare
