#include "flared/turn.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/peer_hello.h"
#include "common/protocol/words.h"
#include "flared/delayed_write.h"
#include "flared/operations.h"
#include "flared/quota.h"
#include "flared/worker.h"

namespace flare {

namespace {

constexpr std::string_view version_answer = "VERSION 2.0.0\r\n";  // docs/design.md 1: a plain number

// Copies a record from the store's memory into the output: the one copy that a value takes.
class ValueWriter final : public RecordSink {
 public:
  ValueWriter(OutputBuffer& out, bool with_version, std::size_t answer_bytes_max)
      : out_(out), with_version_(with_version), answer_bytes_max_(answer_bytes_max) {}
  void record(std::string_view key, const RecordView& record) override {
    if (out_.size() > limits::turn_output_bytes_max && out_.size() + record.data.size() > answer_bytes_max_) {
      full_ = true;
      return;
    }
    if (with_version_) {
      append_value_with_version(out_, key, record.flags, record.data, raw(record.version));
    } else {
      append_value(out_, key, record.flags, record.data);
    }
  }
  /// A value was left out: with it the answer would be larger than an answer may be.
  bool full() const { return full_; }

 private:
  OutputBuffer& out_;
  bool with_version_;
  std::size_t answer_bytes_max_;
  bool full_ = false;
};

bool sent_by_daemons(const Request& request) {
  return request.proxied || request.command == Command::node_sync || request.command == Command::repl;
}

// A master that is being built takes what the present one passes on, whatever its quota.
bool serves_clients(const RoutingView& view) {
  return view.self && view.partitions.nodes()[*view.self].state == State::active;
}

}  // namespace

Turn::Turn(Worker& worker, RequestReader& reader, InputBuffer& input, Asker asker)
    : worker_(worker),
      reader_(reader),
      input_(input),
      passage_(asker.passage),
      peer_(asker.peer),
      output_(worker.outputs().borrow()),
      view_(worker.view()),
      now_s_(worker.setup().clock.unix_s()),
      operations_share_(worker.setup().operations_share.load(std::memory_order_relaxed)) {}

void Turn::run() {
  worker_.counts().turns.add();
  if (operations_share_ > 0) worker_.operations().refill(operations_share_, worker_.setup().clock.steady());
  auto& storage = worker_.setup().storage;
  Storage::Batch batch{storage};
  while (after_ == After::go_on && !more_input_) {
    const auto read = reader_.next(input_.unread());
    if (read.kind == ReadResult::Kind::need_more) {
      input_.consume(read.consumed);
      bytes_needed_ = read.bytes_needed;
      break;
    }
    if (read.kind == ReadResult::Kind::request) {
      if (!passage_.allows(classes_for(read.request))) {
        refuse(read.request);
      } else if (within_rate(read.request)) {
        answer(read.request);
      } else {
        worker_.counts().refused_operations.add();
        error(read.request, too_many_operations_answer);
      }
    } else {
      output_->append(read.answer);
      if (read.kind == ReadResult::Kind::close) after_ = read.answer.empty() ? After::close : After::part;
    }
    input_.consume(read.consumed);  // only now: the request points into the input
    if (output_->size() >= limits::turn_output_bytes_max) more_input_ = true;
  }
  // docs/design.md 3.3: no answer, a get's included, leaves before the log is written.
  if (!storage.write_log()) {
    worker_.setup().log.error("the update log cannot be written: a client is closed with its answers unsent");
    output_->clear();
    after_ = After::close;
  }
}

// docs/design.md 5: a foreign daemon gets nothing; with require-identity what only daemons send needs a hello first.
bool Turn::refuses(const Request& request) const {
  using enum SessionPeer::Standing;
  if (peer_.standing == foreign) return request.command != Command::hello && request.command != Command::quit;
  if (peer_.standing == kin || !worker_.setup().identity_required) return false;
  return sent_by_daemons(request);
}

void Turn::answer_refused(const Request& request) {
  if (request.noreply) return;
  if (peer_.standing != SessionPeer::Standing::foreign) {
    output_->append("SERVER_ERROR identity required: say hello first (option require-identity)\r\n");
    return;
  }
  output_->append(foreign_answer);
  output_->append("\r\n");
}

// What only daemons send makes an original's connection one of the cluster's. On trial (clients have taken all of
// max-connection) anything that a client could ask shows that there is no daemon at the other end.
bool Turn::has_place(const Request& request) {
  if (sent_by_daemons(request) && !peer_.place_asked) {
    settle(ConnectionPlaces::Proof::request);
    peer_.place_asked = request.proxied;  // these come in numbers
  }
  if (peer_.place != Place::trial) return true;
  switch (request.command) {
    case Command::hello:
    case Command::ping:  // of an original's index, which says no hello
    case Command::version:
    case Command::quit:
      peer_.trial_heard = true;
      return true;
    default:
      after_ = After::part;
      output_->append(reply::too_many_connections);
      return false;
  }
}

void Turn::settle(ConnectionPlaces::Proof proof) {
  peer_.place = worker_.setup().places.settle(peer_.place, peer_.address, proof);
}

void Turn::answer_hello(const Request& request) {
  auto* identity = worker_.setup().identity;
  if (!identity) {
    output_->append(reply::error);
    return;
  }
  const auto answer = identity->answer_hello(request.rest, peer_.address);
  peer_.standing = answer.kin ? SessionPeer::Standing::kin : SessionPeer::Standing::foreign;
  if (answer.kin) settle(ConnectionPlaces::Proof::hello);
  output_->append(answer.line);
}

// docs/design.md 5: an index whose map was refused must not take this node for its own.
void Turn::answer_ping() {
  if (peer_.standing == SessionPeer::Standing::foreign_index) {
    output_->append("SERVER_ERROR foreign index\r\n");
    return;
  }
  const auto ailment = worker_.setup().control.ailment();
  output_->append(ailment.empty() ? reply::ok : ailment);
}

bool Turn::takes_map(const Request& request) {
  using enum SessionPeer::Standing;
  auto* identity = worker_.setup().identity;
  if (!identity) return true;
  const auto refusal = identity->refusal_of(identity_of_map(request.data), "the map of an index", peer_.address);
  if (refusal.empty()) {
    if (peer_.standing == foreign_index) peer_.standing = client;
    return true;
  }
  peer_.standing = foreign_index;
  output_->append(refusal);
  return false;
}

void Turn::answer(const Request& request) {
  if (refuses(request)) return answer_refused(request);
  if ((peer_.place == Place::trial || sent_by_daemons(request)) && !has_place(request)) return;
  switch (request.command) {
    case Command::get:
    case Command::gets:
      operation_ = "get";
      return get(request);
    case Command::set:
      operation_ = "set";
      return write(request);
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
    case Command::cas:
    case Command::incr:
    case Command::decr:
    case Command::remove:
    case Command::touch:
      operation_ = "write";
      return write(request);
    case Command::gat:
      operation_ = "gat";
      return request.memcached_order ? touch_many(request) : write(request);
    case Command::version:
      output_->append(version_answer);
      return;
    case Command::verbosity:
      if (!request.noreply) output_->append(reply::ok);
      return;
    case Command::ping:
      return answer_ping();
    case Command::hello:
      return answer_hello(request);
    case Command::quit:
      after_ = After::close;
      return;
    case Command::stats:
    case Command::show:
    case Command::kill:
    case Command::flush_all:
    case Command::node_sync:
      return ask_control(request);
    case Command::dump:
    case Command::dump_key:
      operation_ = "dump";
      dump_ = worker_.setup().control.begin_dump(request);
      after_ = After::dump;
      return;
    case Command::repl:
      stream_words_.assign("repl ").append(request.rest);
      after_ = After::stream;
      return;
  }
}

// Its payload has been read with it, so the next request is the client's next one.
void Turn::refuse(const Request& request) {
  const auto needed = classes_for(request);
  passage_.tell_refused(peer_.address, name_of(request.command), needed);
  error(request, denied_answer(needed));
}

bool Turn::within_rate(const Request& request) {
  if (operations_share_ <= 0) return true;
  const auto operations = operations_of(request);
  return operations == 0 || worker_.operations().take(operations);
}

void Turn::get(const Request& request) {
  const bool with_version = request.command == Command::gets;
  Words keys{request.rest};
  for (auto key = keys.next(); !key.empty(); key = keys.next()) read_key(key, with_version);
  for (auto* link : read_links_) link->end_read();
  read_links_.clear();
  end_values();
}

// One line of keys can ask for more than there is memory. What was left out must not look like a miss.
void Turn::end_values() { output_->append(std::exchange(answer_full_, false) ? reply::answer_too_large : reply::end); }

void Turn::read_key(std::string_view key, bool with_version) {
  auto& counters = worker_.counts();
  counters.cmd_get.add();
  const auto route = route_read(view_, key, wrote_lately(key), worker_.draw());
  if (route.kind == Route::Kind::local) {
    ValueWriter writer{*output_, with_version, worker_.setup().memory.answer_bytes_max()};
    const auto found = worker_.setup().storage.get(key, now_s_, writer);
    if (writer.full()) answer_full_ = true;
    (found && *found ? counters.get_hits : counters.get_misses).add();
    return;
  }
  if (route.kind != Route::Kind::forward) {  // cluster.md 5.1: absent
    counters.get_misses.add();
    return;
  }
  counters.forwarded.add();
  auto& link = worker_.link(route.node);
  if (std::find(read_links_.begin(), read_links_.end(), &link) == read_links_.end()) read_links_.push_back(&link);
  auto place = await();
  if (!link.read(key, with_version, place)) place.answers->fill(place.place, {});
}

void Turn::wrote_elsewhere(std::string_view key) {
  if (!peer_.recent_writes) peer_.recent_writes = std::make_unique<RecentWrites>();
  peer_.recent_writes->add(key_hash(KeyHashAlgorithm::murmur, key), now_s_);
}

bool Turn::wrote_lately(std::string_view key) const {
  const auto* writes = peer_.recent_writes.get();
  return writes && writes->any(now_s_) && writes->contains(key_hash(KeyHashAlgorithm::murmur, key), now_s_);
}

void Turn::write(const Request& request) {
  if (counts_as_set(request.command)) worker_.counts().cmd_set.add();
  const auto route = route_write(view_, request.key, request.proxied);
  switch (route.kind) {
    case Route::Kind::local:
      return execute(request);
    case Route::Kind::forward:
      return forward(request, route.node);
    case Route::Kind::nowhere:
      return error(request, reply::no_partition);
    case Route::Kind::no_node:
      return error(request, reply::proxy_failure);
  }
}

void Turn::execute(const Request& request) {
  auto operation = to_operation(request, now_s_);
  operation.limited = serves_clients(view_);
  ValueWriter writer{*output_, request.with_version, worker_.setup().memory.answer_bytes_max()};
  const auto outcome = worker_.setup().storage.execute(operation, now_s_, &writer);
  if (!outcome) return fail(request, outcome.error());
  count(worker_.counts(), request, *outcome);
  if (writer.full()) return output_->append(reply::answer_too_large);
  append_answer(*output_, request, *outcome);
}

// Nothing was changed. Expired entries that may be in the way are removed first.
void Turn::fail(const Request& request, StorageError error_) {
  if (!over_quota(error_)) return error(request, answer_of(error_));
  if (worker_.setup().storage.quota().may_have_expired(now_s_)) {
    write_when_reclaimed(worker_, request, await());
    more_input_ = true;  // what follows in the pipeline is done after this
    return;
  }
  count_refusal(worker_.counts(), error_);
  error(request, answer_of(error_));
}

// memcached's gat and gats: values of several keys, then END (docs/design.md 1).
void Turn::touch_many(const Request& request) {
  Request one = request;
  one.memcached_order = false;
  Words keys{request.rest};
  for (one.key = keys.next(); !one.key.empty(); one.key = keys.next()) {
    worker_.counts().cmd_set.add();
    const auto route = route_write(view_, one.key, one.proxied);
    if (route.kind == Route::Kind::forward) {
      forward_gat(one, route.node);
    } else if (route.kind == Route::Kind::local) {
      ValueWriter writer{*output_, request.with_version, worker_.setup().memory.answer_bytes_max()};
      const auto outcome = worker_.setup().storage.execute(to_operation(one, now_s_), now_s_, &writer);
      if (outcome) count(worker_.counts(), one, *outcome);
      if (writer.full()) answer_full_ = true;
    }
  }
  end_values();
}

// The other node's answer to a prefixed gat is a value without END, or NOT_FOUND, which is a miss here.
void Turn::forward_gat(const Request& request, std::uint32_t node) {
  auto place = await();
  if (!may_forward(request.prefix) || !worker_.link(node).forward_value(request, now_s_, place)) {
    place.answers->fill(place.place, {});
  }
  wrote_elsewhere(request.key);
}

void Turn::forward(const Request& request, std::uint32_t node) {
  if (!may_forward(request.prefix)) return error(request, reply::proxy_failure);  // docs/replication.md 12
  auto place = await();
  worker_.counts().forwarded.add();
  wrote_elsewhere(request.key);
  if (!worker_.link(node).forward(request, now_s_, place)) {
    place.answers->fill(place.place, request.noreply ? std::string_view{} : reply::proxy_failure);
  }
}

// docs/spec/protocol.md 9.13: an answer to a request that asked for none would put the client out of step.
void Turn::error(const Request& request, std::string_view text) {
  if (!request.noreply) output_->append(text);
}

void Turn::ask_control(const Request& request) {
  auto& control = worker_.setup().control;
  switch (request.command) {
    case Command::stats:
      if (Words{request.rest}.next() == "nodes") {
        output_->append(stats_nodes_text(view_.map));
        return;
      }
      control.stats(std::string{request.rest}, reply_to(await()));
      break;
    case Command::show:
      control.variables(reply_to(await()));
      break;
    case Command::kill:
      control.kill(request.kill_id, reply_to(await()));
      break;
    case Command::node_sync:
      if (!takes_map(request)) return;
      control.install_map(std::string{request.data}, request.version, reply_to(await()));
      break;
    case Command::flush_all: {
      auto reply = reply_to(await());
      if (request.noreply) reply = [quiet = std::move(reply)](const std::string&) { quiet({}); };
      control.flush_all(request.exptime, std::move(reply));
      break;
    }
    default:
      return;
  }
  more_input_ = true;  // what follows in the pipeline is done after this
}

AnswerPlace Turn::await() {
  if (!awaited_) awaited_ = std::make_shared<AwaitedAnswers>(worker_.executor(), &worker_.memory());
  return {awaited_, awaited_->reserve(output_->size())};
}

Control::Reply Turn::reply_to(AnswerPlace place) {
  return [place = std::move(place), executor = worker_.executor()](std::string answer) {
    asio::post(executor, [place, answer = std::move(answer)] { place.answers->fill(place.place, answer); });
  };
}

}  // namespace flare
