#include "flared/delayed_write.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/protocol/reply_writer.h"
#include "flared/disk_gate.h"
#include "flared/expiry_sweep.h"
#include "flared/forwarded_item.h"
#include "flared/local_write.h"
#include "flared/operations.h"
#include "flared/owned_request.h"
#include "flared/quota.h"
#include "flared/sync_gate.h"
#include "flared/worker.h"

namespace flare {
namespace {

class DelayedWrite : public std::enable_shared_from_this<DelayedWrite> {
 public:
  DelayedWrite(Worker& worker, const Request& request, AnswerPlace place, bool sync)
      : worker_(worker), place_(std::move(place)), sync_(sync) {
    if (request.item) {
      write_.assign(request, std::make_shared<ForwardedItem>(*request.item, request.prefix, worker.setup().clock));
    } else {
      write_.assign(request);
    }
  }

  void ask_for_room() {
    worker_.setup().control.reclaim([self = shared_from_this()](bool made_room) {
      asio::post(self->worker_.executor(), [self, made_room] { self->try_again(made_room); });
    });
  }

 private:
  void try_again(bool made_room) {
    const auto request = write_.request();
    const auto route = route_write(worker_.view(), request.key, request.proxied);
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
      auto& quota = worker_.setup().storage.quota();
      return refuse(refuse_over_quota(worker_.counts(), quota, done.error(), request.key));
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
    const auto done = execute_write(worker_, write_.request(), {now_s, now_s}, out);
    if (const auto written = storage.write_log(); !written) return written.error();
    return done;
  }

  void refuse(std::string_view error) {
    OutputBuffer out;
    refuse_write(write_.request(), error, out);
    place_.fill(out.view());
  }

  Worker& worker_;
  OwnedRequest write_;
  AnswerPlace place_;
  const bool sync_;  // answered when its copies have it (docs/replication.md 9)
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + ExpirySweep::patience;
};

}  // namespace

void write_when_reclaimed(Worker& worker, const Request& request, AnswerPlace place) {
  const auto* gate = worker.setup().gate;
  const bool sync = gate && is_sync_write(request, gate->sync());
  std::make_shared<DelayedWrite>(worker, request, std::move(place), sync)->ask_for_room();
}

}  // namespace flare
