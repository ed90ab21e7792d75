#include "flared/turn.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/peer_hello.h"
#include "common/protocol/words.h"
#include "flared/disk_gate.h"
#include "flared/door_tenants.h"
#include "flared/forwarded_item.h"
#include "flared/quota.h"
#include "flared/worker.h"

namespace flare {

namespace {

constexpr std::string_view version_answer = "VERSION 2.0.0\r\n";  // docs/design.md 1: a plain number

bool sent_by_daemons(const Request& request) {
  return request.proxied || request.command == Command::node_sync || request.command == Command::repl ||
         request.command == Command::position;
}

}  // namespace

Turn::Turn(Worker& worker, RequestReader& reader, InputBuffer& input, Asker asker)
    : worker_(worker),
      reader_(reader),
      input_(input),
      passage_(asker.passage),
      peer_(asker.peer),
      tenant_(asker.tenant),
      key_prefix_(tenant_ ? std::string_view{tenant_->key_prefix} : std::string_view{}),
      output_(worker.outputs().borrow()),
      view_(worker.view()),
      now_s_(worker.setup().clock.unix_s()),
      operations_share_(worker.setup().operations_share.load(std::memory_order_relaxed)),
      counts_operations_(operations_share_ > 0 || tenant_),
      tells_read_errors_(worker.setup().read_errors.load(std::memory_order_relaxed)),
      sync_mode_(worker.setup().gate && worker.setup().gate->sync()),
      read_links_(worker.read_links()) {}

void Turn::run() {
  worker_.counts().turns.add();
  worker_.keys_elsewhere().begin_turn();
  if (operations_share_ > 0) worker_.operations().refill(operations_share_, worker_.setup().clock.steady());
  if (tenant_) worker_.refill(*tenant_);
  auto& storage = worker_.setup().storage;
  const AccessMark::Inside inside{worker_.access_mark()};
  Storage::Batch batch{storage};
  while (after_ == After::go_on && !more_input_) {
    auto read = reader_.next(input_.unread());
    if (read.kind == ReadResult::Kind::need_more) {
      input_.consume(read.consumed);
      bytes_needed_ = read.bytes_needed;
      break;
    }
    if (read.kind == ReadResult::Kind::request) {
      if (tenant_) worker_.key_prefixer().apply(key_prefix_, read.request);  // from here on: keys as the store has them
      if (overtakes_read(read.request)) {
        more_input_ = true;  // it is read again in the next turn
        break;
      }
      if (!passage_.allows(classes_for(read.request))) {
        refuse(read.request);
      } else if (const auto refusal = rate_refusal(read.request); refusal.empty()) {
        answer(read.request);
      } else {
        error(read.request, refusal);
      }
      if (sync_mode_ || waits_for_commit_) note_late(read.request);
    } else {
      output_->append(read.answer);
      if (sync_mode_ || waits_for_commit_) late().append(read.answer);
      if (read.kind == ReadResult::Kind::close) after_ = read.answer.empty() ? After::close : After::part;
      if (read.answer == reply::stray_proxy_header) passage_.tell_stray_header(peer_.address);
    }
    input_.consume(read.consumed);  // only now: the request points into the input
    if (output_->size() >= limits::turn_output_bytes_max) more_input_ = true;
  }
  end_reads();
  // docs/design.md 3.3: no answer, a get's included, leaves before the log is written.
  if (!storage.write_log()) {
    worker_.setup().log.error("the update log cannot be written: a client is closed with its answers unsent");
    output_->clear();
    if (awaited_) awaited_->lose();
    after_ = After::close;
  } else {
    if (waits_for_commit_) await_commit();
    if (worker_.setup().answers_wait) await_disk();
  }
}

// design.md 3.6, `group`: the answers wait for one sync that all who wait share; this thread goes on meanwhile.
void Turn::await_disk() {
  if (worker_.setup().storage.all_on_disk() || (output_->size() == 0 && !awaited_)) return;
  fill_when_on_disk(worker_, await(), {});
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
    return say(request, "SERVER_ERROR identity required: say hello first (option require-identity)\r\n");
  }
  std::string answer{foreign_answer};
  say(request, answer.append("\r\n"));
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
      say(request, reply::too_many_connections);
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
void Turn::answer_ping(const Request& request) {
  if (peer_.standing == SessionPeer::Standing::foreign_index) return say(request, "SERVER_ERROR foreign index\r\n");
  if (peer_.standing == SessionPeer::Standing::kin) {
    worker_.setup().probed.store(std::chrono::steady_clock::now().time_since_epoch().count(),
                                 std::memory_order_relaxed);
  }
  const auto ailment = worker_.setup().control.ailment();
  say(request, ailment.empty() ? reply::ok : ailment);
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
      return say(request, version_answer);
    case Command::verbosity:
      return error(request, reply::ok);
    case Command::ping:
      return answer_ping(request);
    case Command::item:
      operation_ = "item";
      return item(request);
    case Command::noop:
      return answer_noop(request);
    case Command::sasl:
      return answer_sasl(request);
    case Command::hello:
      return answer_hello(request);
    case Command::quit:
      if (request.binary) say(request, reply::ok);
      after_ = After::close;
      return;
    case Command::stats:
    case Command::show:
    case Command::kill:
    case Command::salvage:
    case Command::flush_all:
    case Command::node_sync:
    case Command::position:
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
  if (passage_.awaits_login()) return refuse_stranger(request);
  const auto needed = classes_for(request);
  passage_.tell_refused(peer_.address, name_of(request.command), needed);
  error(request, denied_answer(needed));
}

// Empty: it may be done.
std::string_view Turn::rate_refusal(const Request& request) {
  if (!counts_operations_) return {};
  const auto operations = operations_of(request);
  if (operations == 0) return {};
  if (tenant_) {
    if (const auto refusal = tenant_rate_refusal(operations); !refusal.empty()) return refusal;
  }
  if (operations_share_ <= 0 || worker_.operations().take(operations)) return {};
  worker_.counts().refused_operations.add();
  return too_many_operations_answer;
}

std::string_view Turn::tenant_rate_refusal(std::uint64_t operations) {
  if (worker_.operations_of(*tenant_).take(operations)) {
    tenant_->operations.fetch_add(operations, std::memory_order_relaxed);
    return {};
  }
  tenant_->refused_operations.fetch_add(1, std::memory_order_relaxed);
  return tenant_->too_many_operations;
}

KeyWords Turn::keys_of(const Request& request) const {
  return {request.rest, tenant_ ? &worker_.key_prefixer() : nullptr, key_prefix_};
}

// docs/security.md: at a door with a key-prefix nothing is told of others, nor of the node.
bool Turn::asks_own_stats(const Request& request) {
  if (!tenant_ || request.command != Command::stats) return false;
  if (!Words{request.rest}.done()) {
    say(request, "CLIENT_ERROR access denied (a door with a key-prefix tells plain stats only)\r\n");
    return true;
  }
  const auto& setup = worker_.setup();
  say(request, tenant_stats(*tenant_, setup.storage.quota(), setup.tenants->started_s(), now_s_));
  return true;
}

// docs/spec/protocol.md 9.13: an answer to a request that asked for none would put the client out of step.
void Turn::error(const Request& request, std::string_view text) {
  if (!request.noreply) say(request, text);
}

void Turn::ask_control(const Request& request) {
  if (asks_own_stats(request)) return;
  auto& control = worker_.setup().control;
  switch (request.command) {
    case Command::stats:
      if (Words{request.rest}.next() == "nodes") {
        return say(request, stats_nodes_text(view_.map));
      }
      control.stats(std::string{request.rest}, reply_to(await(request)));
      break;
    case Command::show:
      control.variables(reply_to(await(request)));
      break;
    case Command::kill:
      control.kill(request.kill_id, reply_to(await(request)));
      break;
    case Command::salvage:
      control.acknowledge_salvage(peer_.address, reply_to(await(request)));
      break;
    case Command::node_sync:
      if (!takes_map(request)) return;
      control.install_map(std::string{request.data}, request.version, reply_to(await(request)));
      break;
    case Command::position:
      control.position(std::string{request.rest}, reply_to(await(request)));
      break;
    case Command::flush_all: {
      auto reply = reply_to(await(request));
      if (request.noreply) reply = [quiet = std::move(reply)](const std::string&) { quiet({}); };
      control.flush_all(request.exptime, request.proxied, std::move(reply));
      break;
    }
    default:
      return;
  }
  more_input_ = true;  // what follows in the pipeline is done after this
}

void Turn::give_empty_output_back() {
  if (output_->empty()) output_.reset();
}

void Turn::take_awaited() {
  auto whole = worker_.outputs().borrow();
  awaited_->merge(output_ ? output_->view() : std::string_view{}, *whole);
  output_ = std::move(whole);
  worker_.awaited().give_back(std::move(awaited_));
}

AnswerPlace Turn::await() {
  if (!awaited_) awaited_ = worker_.awaited().borrow();
  AnswerPlace place{awaited_, awaited_->reserve(output_->size())};
  place.key_prefix = key_prefix_;
  return place;
}

AnswerPlace Turn::await_read() {
  auto place = await();
  place.tells_failure = tells_read_errors_;
  return place;
}

AnswerPlace Turn::await(const Request& request) {
  auto place = await();
  if (request.binary) place.form = std::make_shared<BinaryForm>(*request.binary);
  return place;
}

Control::Reply Turn::reply_to(AnswerPlace place) {
  return [place = std::move(place), executor = worker_.executor()](std::string answer) {
    asio::post(executor, [place, answer = std::move(answer)] { place.fill(answer); });
  };
}

}  // namespace flare
