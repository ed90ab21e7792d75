#include "flarei/index_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/net/tls_error.h"
#include "common/protocol/line.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"

namespace flare {

namespace {

constexpr char binary_magic = static_cast<char>(0x80);  // protocol.md 6: binary requests close the connection
constexpr std::size_t read_step_bytes = 16 * 1024;
constexpr std::size_t login_bytes_max = 1024;
constexpr int failures_of_connection_max = 3;  // then it is closed

}  // namespace

IndexSession::IndexSession(StreamSocket socket, IndexPeer peer, IndexService& service, SessionTable& table,
                           Passage passage)
    : socket_(std::move(socket)), peer_(std::move(peer)), passage_(passage), service_(service), table_(table) {
  set_deadline(table_.limits().idle);
  work_since_ = std::chrono::steady_clock::now();
}

void IndexSession::start() {
  number_ = table_.add(shared_from_this());
  auto ended = [self = shared_from_this()](std::exception_ptr error) {
    self->table_.remove(self->number_);
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(socket_.get_executor(), serve(), std::move(ended));
}

void IndexSession::close() {
  error_code ignored;
  socket_.close(ignored);
}

void IndexSession::renew_passage(const Doors& doors, const UserTable* users) {
  if (!passage_.renew(doors, users)) end();
}

void IndexSession::end() {
  ending_ = true;
  if (waiting_) close();
}

ThreadRow IndexSession::row(std::chrono::steady_clock::time_point now) const {
  ThreadRow row;
  row.number = number_;
  row.peer = peer_.address;
  row.operation = operation_;
  row.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - work_since_);
  row.state = waiting_ ? "wait" : "execute";
  return row;
}

void IndexSession::set_deadline(std::chrono::steady_clock::duration wait) {
  deadline_ = std::chrono::steady_clock::now() + wait;
}

IoTask<> IndexSession::serve() {
  if (socket_.handshaking()) {
    const bool made = co_await shake_hands();
    if (!made) ending_ = true;
  }
  while (!ending_) {
    const bool more = co_await read_some();
    if (!more) break;
    if (!input_.empty() && input_.front() == binary_magic) break;
    co_await answer_lines();
    const bool written = co_await write_answers();
    if (!written) break;
  }
  if (parting_) table_.partings().part(std::move(socket_));
  close();
}

IoTask<bool> IndexSession::shake_hands() {
  waiting_ = true;
  const auto outcome = co_await table_.handshakes().make(socket_);
  waiting_ = false;
  if (outcome.end == Handshakes::End::made) passage_.tell_tls_made();
  if (outcome.end == Handshakes::End::failed) passage_.tell_tls_failed(peer_.address, outcome.why);
  co_return outcome.end == Handshakes::End::made;
}

IoTask<bool> IndexSession::read_some() {
  set_deadline(peer_.place == Place::trial ? limits::trial_deadline : table_.limits().idle);
  operation_.clear();
  input_.shrink_to_fit();  // an idle session holds no buffer
  waiting_ = true;
  const auto [not_ready] = co_await socket_.async_wait(StreamSocket::wait_read, use_task);
  waiting_ = false;
  if (not_ready || ending_) co_return false;
  const auto old_size = input_.size();
  input_.resize(old_size + read_step_bytes);
  error_code error;
  const auto n = socket_.read_some(asio::buffer(input_.data() + old_size, read_step_bytes), error);
  input_.resize(old_size + n);
  table_.counters().bytes_read += n;
  work_since_ = std::chrono::steady_clock::now();
  if (is_tls_failure(error)) passage_.tell_tls_failed(peer_.address, error.message());
  co_return !error || error == asio::error::would_block;
}

// All whole lines that have arrived; answers beyond the bound are sent before more are made.
IoTask<> IndexSession::answer_lines() {
  std::size_t consumed = 0;
  while (!ending_) {
    const auto line = find_line(std::string_view{input_}.substr(consumed), limits::index_line_bytes_max);
    if (line.kind == LineSearch::Kind::incomplete) break;
    if (line.kind == LineSearch::Kind::too_long) {
      refuse(reply::line_too_long);
      break;
    }
    co_await answer_line(line.text);
    consumed += line.consumed;
    if (consumed < input_.size() && input_[consumed] == binary_magic) ending_ = true;
    if (output_.size() < limits::turn_output_bytes_max) continue;
    const bool written = co_await write_answers();
    if (!written) ending_ = true;
  }
  input_.erase(0, consumed);
}

IoTask<> IndexSession::answer_line(std::string_view line) {
  if (offer_) co_return take_offer_line(line);
  if (login_bytes_) co_return co_await log_in(line);
  const auto request = parse_index_request(line);
  if (!request && stray_header_.ends_with(line)) {
    passage_.tell_stray_header(peer_.address);
    co_return refuse(reply::stray_proxy_header);
  }
  if (!request) {
    if (begins_login(line)) co_return;
    output_ += reply::error;
    co_return;
  }
  operation_ = line.substr(0, std::min(line.find(' '), line.size()));
  if (const auto needed = classes_for(request->command); !passage_.allows(needed)) {
    passage_.tell_refused(peer_.address, name_of(request->command), needed);
    const bool may_log_in = passage_.awaits_login() && passage_.allowed.has_any_of(needed);
    output_ += may_log_in ? reply::unauthenticated : denied_answer(needed);
    co_return;
  }
  if (!has_place(*request)) co_return refuse(reply::too_many_connections);
  if (request->command == IndexCommand::quit) ending_ = true;
  co_await service_.answer(*request, peer_, output_);
  const bool wanted = request->command == IndexCommand::node_offer && output_.ends_with(offer_wanted);
  if (wanted) offer_.emplace(request->map_version, request->key());
  if (request->command == IndexCommand::hello && !peer_.foreign && !peer_.start_id.empty()) {
    settle(ConnectionPlaces::Proof::hello);
  }
}

// docs/security.md, Authentication: memcached's `set <key> <flags> <exptime> <bytes>`, and `user password` as its data.
bool IndexSession::begins_login(std::string_view line) {
  if (!table_.authenticator() || !passage_.awaits_login()) return false;
  Words words{line};
  if (words.next() != "set" || words.next().empty()) return false;
  const bool numbers = words.next_number<std::uint32_t>() && words.next_number<std::int64_t>();
  const auto bytes = numbers ? words.next_number<std::uint32_t>() : std::nullopt;
  if (!bytes || !words.done()) return false;
  if (*bytes > login_bytes_max) {
    refuse(reply::too_large);  // its data cannot be told from requests
  } else {
    login_bytes_ = *bytes;
  }
  return true;
}

IoTask<> IndexSession::log_in(std::string_view data) {
  const bool whole = data.size() == *login_bytes_;
  login_bytes_.reset();
  Authenticator::Attempt attempt{passage_.peer, peer_.address, {}, {}};
  if (const auto given = parse_login(data); whole && given) {
    attempt.user = given->user;
    attempt.password = given->password;
  }
  const auto judged = std::make_shared<std::optional<Authenticator::Outcome>>();
  const auto wake = std::make_shared<Timer>(socket_.get_executor());
  wake->expires_at(Timer::time_point::max());
  table_.authenticator()->check(std::move(attempt), [judged, wake](Authenticator::Outcome outcome) {
    judged->emplace(std::move(outcome));
    wake->cancel();
  });
  while (!judged->has_value()) co_await wake->async_wait(use_task);
  switch ((*judged)->verdict) {
    case Authenticator::Verdict::granted:
      passage_.log_in((*judged)->user);
      output_ += reply::stored;
      break;
    case Authenticator::Verdict::refused:
      output_ += reply::login_refused;
      if (++failed_logins_ >= failures_of_connection_max) refuse({});
      break;
    case Authenticator::Verdict::busy:
      output_ += reply::login_busy;
      break;
  }
}

void IndexSession::take_offer_line(std::string_view line) {
  const auto step = offer_->take(line);
  if (step == OfferReader::Step::more) return;
  if (step == OfferReader::Step::broken) {
    refuse("CLIENT_ERROR format error\r\n");  // what follows cannot be told from requests
  } else {
    service_.take_offer(offer_->take_map(), offer_->by(), peer_, output_);
  }
  offer_.reset();
}

// What only nodes send makes a connection a node's. On trial (clients have taken all of max-connection) nothing is
// answered but what a node asks before that.
bool IndexSession::has_place(const IndexRequest& request) {
  switch (request.command) {
    case IndexCommand::node_add:
    case IndexCommand::node_state:
    case IndexCommand::node_insync:
    case IndexCommand::node_offer:
      settle(ConnectionPlaces::Proof::request);
      return true;
    case IndexCommand::hello:
    case IndexCommand::meta:
    case IndexCommand::ping:
    case IndexCommand::version:
    case IndexCommand::quit:
      return true;
    case IndexCommand::stats:
    case IndexCommand::node_role:
    case IndexCommand::node_remove:
    case IndexCommand::node_adopt:
    case IndexCommand::kill:
    case IndexCommand::verbosity:
    case IndexCommand::show:
    case IndexCommand::shutdown:
      return peer_.place != Place::trial;
  }
  return false;
}

void IndexSession::settle(ConnectionPlaces::Proof proof) {
  peer_.place = table_.places().settle(peer_.place, peer_.address, proof);
}

void IndexSession::refuse(std::string_view last_words) {
  output_ += last_words;
  ending_ = true;
  parting_ = true;
}

IoTask<bool> IndexSession::write_answers() {
  if (output_.empty()) co_return true;
  set_deadline(limits::peer_write_deadline);  // a client that does not read
  const auto [error, n] = co_await asio::async_write(socket_, asio::buffer(output_), use_task);
  table_.counters().bytes_written += n;
  output_ = {};
  co_return !error;
}

void accept_session(IoExecutor executor, int descriptor, std::string peer, IndexService& service, SessionTable& table,
                    Log& log, Passage passage, std::shared_ptr<const TlsContext> tls) {
  const bool nodes_only = !passage.allowed.has_any_of(AccessClass::data | AccessClass::admin);
  const auto place = table.places().take(peer, nodes_only);
  if (place == Place::none) return table.refuse(descriptor, peer, log, tls == nullptr);
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  StreamSocket socket{executor};
  error_code error;
  socket.assign(asio::generic::stream_protocol{address.ss_family, 0}, descriptor, error);
  if (!error) socket.non_blocking(true, error);
  if (error) {
    table.places().leave(place, peer);
    log.error("connection of {} refused: {}", peer, error.message());
    if (!socket.is_open()) ::close(descriptor);
    return;
  }
  if (tls) socket.start_tls(std::move(tls), TlsConnection::Side::server);
  IndexPeer who;
  who.address = std::move(peer);
  who.place = place;
  std::make_shared<IndexSession>(std::move(socket), std::move(who), service, table, passage)->start();
}

}  // namespace flare
