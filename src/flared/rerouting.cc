#include "flared/rerouting.h"

#include <string>
#include <utility>

#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"
#include "flared/delayed_write.h"
#include "flared/disk_gate.h"
#include "flared/item_operations.h"
#include "flared/local_write.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/sync_gate.h"
#include "flared/value_writer.h"
#include "flared/worker.h"

namespace flare {

namespace {

class Rerouting {
 public:
  explicit Rerouting(Worker& worker)
      : worker_(worker), storage_(worker.setup().storage), now_s_(worker.setup().clock.unix_s()) {}

  void run(std::vector<OutgoingPointer> requests) {
    if (do_all(std::move(requests))) return answer();
    worker_.setup().log.error("the update log cannot be written: clients are closed with their answers unsent");
    for (const auto& [place, text, late] : answers_) {
      place.answers->lose();
      place.fill({});
    }
  }

 private:
  struct Answer {
    AnswerPlace place;
    std::string text;
    std::string late;  // what is said if the copies do not come in time; empty: a key of a get
  };

  // False: the log could not be written.
  bool do_all(std::vector<OutgoingPointer> requests) {
    const Storage::Batch batch{storage_};
    for (auto& request : requests) {
      if (request->asked_by_nobody()) {
        request->fail(reply::proxy_failure);
      } else if (request->is_read) {
        read(*request);
      } else {
        write(std::move(request));
      }
    }
    for (auto* link : read_links_) link->end_read();
    return storage_.write_log().has_value();
  }

  void write(OutgoingPointer request) {
    const auto wanted = request->write.request();
    const auto route = route_write(worker_.view(), wanted.key, wanted.proxied);
    switch (route.kind) {
      case Route::Kind::local:
        return execute(*request, wanted);
      case Route::Kind::forward: {
        // The prefix of a request that waits for this node itself gets no name.
        const bool stays = worker_.view().self == route.node;
        auto left = std::move(request);
        if (stays || may_forward(wanted.prefix, worker_.setup().own_key.text)) {
          left = worker_.link(route.node).take(std::move(left));
        }
        if (left) left->fail(reply::proxy_failure);
        return;
      }
      case Route::Kind::nowhere:
        return request->fail(reply::no_partition);
      case Route::Kind::no_node:
        return request->fail(reply::proxy_failure);
    }
  }

  void execute(const Outgoing& request, const Request& wanted) {
    OutputBuffer out;
    auto place = request.places.front();
    if (!may_begin(wanted)) {
      place.form = nullptr;
      refuse_write(wanted, reply::too_few_replicas, out);
      return place.fill(out.view());
    }
    const auto done = execute_write(worker_, wanted, {now_s_, request.taken_s}, out);
    const bool value_only = request.shown == Outgoing::Shown::value;
    if (!done && value_only) return place.fail_read(reply::proxy_failure);
    place.form = nullptr;  // what is done here comes in the client's form
    if (!done && over_quota(done.error()) && storage_.quota().may_have_expired(now_s_)) {
      return write_when_reclaimed(worker_, wanted, std::move(place));
    }
    if (!done) {
      const auto answer = over_quota(done.error())
                              ? refuse_over_quota(worker_.counts(), storage_.quota(), done.error(), wanted.key)
                              : answer_of(done.error());
      refuse_write(wanted, answer, out);
    }
    OutputBuffer late;
    refuse_write(wanted, reply::replication_timeout, late);
    answers_.push_back({std::move(place), std::string{value_only ? first_value(out.view()) : out.view()},
                        value_only ? std::string{} : std::string{late.view()}});
  }

  // docs/replication.md 9, as for what is done in its turn.
  bool may_begin(const Request& wanted) {
    auto* gate = worker_.setup().gate;
    if (!gate || !is_sync_write(wanted, gate->sync())) return true;
    if (wanted.item && !changes_entry(*wanted.item)) return true;
    if (!gate->may_begin()) return false;
    waits_for_copies_ = true;
    return true;
  }

  void read(const Outgoing& request) {
    Words words{request.keys};
    const PeerLink::ReadKind kind{request.with_version, request.waits, request.tries};
    for (const auto& place : request.places) read_key(words.next(), kind, place);
  }

  void read_key(std::string_view key, const PeerLink::ReadKind& kind, const AnswerPlace& place) {
    const auto route = route_read(worker_.view(), key, kind.waits, worker_.draw());
    switch (route.kind) {
      case Route::Kind::local:
        return get(key, kind.with_version, place);
      case Route::Kind::forward:
        return send(key, kind, route.node, place);
      case Route::Kind::nowhere:
        return place.fail_read(reply::no_partition);
      case Route::Kind::no_node:
        return place.fail_read(reply::proxy_failure);
    }
  }

  // The node that was drawn may be the one that could not answer: then another one is asked.
  void send(std::string_view key, const PeerLink::ReadKind& kind, std::uint32_t node, const AnswerPlace& place) {
    auto* link = &worker_.link(node);
    if (!link->read(key, kind, place)) {
      const auto other = kind.waits ? std::nullopt : another_reader(worker_.view(), key, node);
      link = other ? &worker_.link(*other) : nullptr;
      if (!link || !link->read(key, kind, place)) return place.fail_read(reply::proxy_failure);
    }
    read_links_.push_back(link);
  }

  void get(std::string_view key, bool with_version, const AnswerPlace& place) {
    OutputBuffer out;
    ValueWriter writer{out, with_version, worker_.setup().memory.answer_bytes_max()};
    const auto found = storage_.get(key, now_s_, writer);
    if (!found) return place.fail_damaged(answer_of(found.error()));
    answers_.push_back({place, std::string{out.view()}, {}});
  }

  // docs/design.md 3.3: no answer leaves before the log is written.
  void answer() {
    const auto* gate = worker_.setup().gate;
    if (!waits_for_copies_ && !(gate && gate->sync())) return give(worker_, answers_, true);
    when_committed(worker_, [&worker = worker_, answers = std::move(answers_)](bool committed) {
      give(worker, answers, committed);
    });
  }

  static void give(Worker& worker, const std::vector<Answer>& answers, bool committed) {
    const Storage::Batch batch{worker.setup().storage};
    const bool waits = worker.setup().answers_wait && !worker.setup().storage.all_on_disk();
    for (const auto& [place, text, late] : answers) {
      if (!committed) {
        late.empty() && !text.empty() ? place.fail_damaged(reply::replication_timeout) : place.fill(late);
      } else if (waits) {
        fill_when_on_disk(worker, place, text);
      } else {
        place.fill(text);
      }
    }
  }

  Worker& worker_;
  Storage& storage_;
  const std::int64_t now_s_;
  std::vector<PeerLink*> read_links_;
  std::vector<Answer> answers_;
  bool waits_for_copies_ = false;
};

}  // namespace

void route_again(Worker& worker, std::vector<OutgoingPointer> requests) { Rerouting{worker}.run(std::move(requests)); }

}  // namespace flare
