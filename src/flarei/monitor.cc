#include "flarei/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/base/printable.h"

namespace flare {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t probes_in_flight_max = 16;
constexpr std::chrono::milliseconds interval_min{10};

bool peer_is_gone(const error_code& error) {
  return error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
         error == asio::error::connection_refused;
}

}  // namespace

NodeMonitor::NodeMonitor(IoExecutor executor, const Node& node, MonitorOwner& owner, Acquaintance acquaintance,
                         int thread_number)
    : executor_(executor),
      key_(node.key()),
      server_name_(node.server_name),
      port_(node.port),
      owner_(owner),
      thread_number_(thread_number),
      thread_type_(node.thread_type),
      started_at_(SteadyClock::now()),
      next_probe_(started_at_),
      probe_timer_(executor),
      reached_(acquaintance == Acquaintance::stored),
      connection_lost_(reached_),
      delivery_timer_(executor) {}

// The coroutines hold the monitor: it lives until both have seen `stopped_`.
void NodeMonitor::start() {
  auto keep_alive = [self = shared_from_this()](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(executor_, probe_loop(), keep_alive);
  asio::co_spawn(executor_, delivery_loop(), keep_alive);
}

void NodeMonitor::stop() {
  stopped_ = true;
  probe_timer_.cancel();
  for (const auto& client : in_flight_) client->close();
  if (delivery_client_) delivery_client_->close();
  lasting_.reset();
  wake_delivery();
  probe_finished();
}

IoTask<> NodeMonitor::probe_loop() {
  while (!stopped_) {
    const auto now = SteadyClock::now();
    if (now >= next_probe_) {
      if (in_flight_.size() < probes_in_flight_max) {
        auto keep_alive = [self = shared_from_this()](std::exception_ptr error) {
          if (error) std::rethrow_exception(error);
        };
        asio::co_spawn(executor_, probe(), std::move(keep_alive));
      }
      const auto interval = std::max<SteadyClock::duration>(owner_.settings().interval, interval_min);
      next_probe_ = std::max(next_probe_ + interval, now);  // a machine that slept does not make up for what it missed
    }
    probe_timer_.expires_at(next_probe_);
    co_await probe_timer_.async_wait(use_task);
  }
}

void NodeMonitor::probe_now() {
  next_probe_ = SteadyClock::now();
  probe_timer_.cancel();
}

IoTask<> NodeMonitor::probe() {
  if (stopped_) co_return;
  auto client = take_probe_client();
  const auto failure = co_await ask(client);
  if (stopped_) co_return;
  if (!failure) keep(std::move(client));
  note(failure);
}

NodeMonitor::Client NodeMonitor::take_probe_client() {
  if (owner_.is_down(key_)) lasting_.reset();  // whoever returns is a new process until shown otherwise
  if (lasting_ && lasting_->closed_by_peer()) {
    lasting_.reset();
    lost_connection();
  }
  return lasting_ ? std::exchange(lasting_, nullptr) : std::make_shared<PeerClient>(executor_);
}

IoTask<NodeMonitor::Failure> NodeMonitor::ask(Client client) {
  const auto until = SteadyClock::now() + owner_.settings().read_timeout;
  in_flight_.insert(client);
  Failure failure;
  if (client->is_open()) {
    const auto sent = co_await client->write("ping\r\n", until - SteadyClock::now());
    if (!sent) failure = fmt::format("connection lost: {}", sent.error().message());
  } else {
    failure = co_await greet(client, until - SteadyClock::now());
  }
  if (!failure && !stopped_) {
    const auto answer = co_await client->read_line(until - SteadyClock::now());
    if (!answer) {
      failure = fmt::format("no answer to ping: {}", answer.error().message());
      if (peer_is_gone(answer.error())) lost_connection();
    } else if (*answer != "OK") {
      failure = fmt::format("ping was answered '{}'", printable(*answer));
    }
  }
  in_flight_.erase(client);
  if (failure) client->close();
  co_return failure;
}

// Connects, asks who is there, says who we are; then the ping. A probe counts only after that (docs/design.md 5).
IoTask<NodeMonitor::Failure> NodeMonitor::greet(Client client, PeerClient::Duration deadline) {
  const auto until = SteadyClock::now() + deadline;
  const auto connected = co_await client->connect(server_name_, port_, owner_.settings().bind_address, deadline);
  if (stopped_) co_return "stopped";
  if (!connected) {
    if (peer_is_gone(connected.error())) lost_connection();
    co_return fmt::format("cannot connect: {}", connected.error().message());
  }
  auto failure = co_await introduce(client, until - SteadyClock::now());
  if (failure) co_return failure;
  const auto sent = co_await client->write("ping\r\n", until - SteadyClock::now());
  if (stopped_) co_return "stopped";
  if (!sent) co_return fmt::format("connection lost: {}", sent.error().message());
  deliver_again();  // a new connection may be to a new process
  co_return std::nullopt;
}

IoTask<NodeMonitor::Failure> NodeMonitor::introduce(Client client, PeerClient::Duration deadline) {
  auto own = owner_.introduction();
  auto expected = key_;
  auto greeted = co_await greet_peer(*client, std::move(own), std::move(expected), deadline);
  if (stopped_) co_return "stopped";
  if (!greeted) {
    foreign_ = greeted.error().foreign;
    co_return greeted.error().text;
  }
  foreign_ = false;
  peer_kind_ = greeted->kind;
  hello_ = std::move(greeted->hello);
  co_return std::nullopt;
}

void NodeMonitor::keep(Client client) {
  if (!lasting_) lasting_ = std::move(client);
}

void NodeMonitor::lost_connection() {
  if (!reached_) return;
  connection_lost_ = true;
  good_since_loss_ = 0;
}

void NodeMonitor::note(const Failure& failure) {
  last_probe_good_ = !failure;
  silent_ = failure.has_value();
  if (failure) {
    count_failure(*failure);
  } else {
    reached_ = true;
    // A process that answers this often and has not registered anew was never replaced.
    if (connection_lost_ && ++good_since_loss_ > owner_.settings().threshold) connection_lost_ = false;
    const auto event = counter_.succeeded(owner_.is_down(key_), owner_.settings().threshold);
    if (event == ProbeCounter::Event::up) owner_.node_answers(key_);
    if (behind_since_) wake_delivery();
  }
  probe_finished();
}

void NodeMonitor::count_failure(const std::string& reason) {
  // Who belongs to another cluster will not be ours at the next probe: nothing is to be waited for.
  if (foreign_ && !owner_.is_down(key_)) {
    if (delivery_client_) delivery_client_->close();
    owner_.node_foreign(key_, reason);
    return;
  }
  if (counter_.failed(owner_.is_down(key_), owner_.settings().threshold) != ProbeCounter::Event::down) return;
  if (delivery_client_) delivery_client_->close();
  owner_.node_failed(key_, reason);
}

void NodeMonitor::probe_finished() {
  for (const auto& timer : std::exchange(waiting_for_probe_, {})) timer->cancel();
}

IoTask<bool> NodeMonitor::proven_gone(std::string start_id) {
  const auto self = shared_from_this();
  const auto until = SteadyClock::now() + 2 * owner_.settings().read_timeout;
  while (!stopped_ && reached_ && !lasting_ && !in_flight_.empty() && SteadyClock::now() < until) {
    auto timer = std::make_shared<Timer>(executor_, until);
    waiting_for_probe_.push_back(timer);
    co_await timer->async_wait(use_task);
  }
  if (stopped_) co_return false;
  if (!start_id.empty()) co_return co_await replaced_by(std::move(start_id));
  if (!reached_) co_return false;
  if (connection_lost_ || !last_probe_good_) co_return true;
  auto client = take_probe_client();
  if (connection_lost_) co_return true;
  const auto failure = co_await ask(client);
  if (stopped_) co_return false;
  if (!failure) keep(std::move(client));
  co_return failure.has_value();
}

IoTask<bool> NodeMonitor::replaced_by(std::string start_id) {
  auto client = std::make_shared<PeerClient>(executor_);
  const auto failure = co_await ask(client);
  if (stopped_) co_return false;
  if (failure) co_return reached_ && !foreign_;
  keep(std::move(client));
  co_return hello_ && hello_->start_id == start_id;
}

void NodeMonitor::forget_old_process() {
  connection_lost_ = false;
  lasting_.reset();
  reached_ = false;
  last_probe_good_ = false;
  silent_ = false;
  peer_kind_ = PeerKind::unknown;
  hello_.reset();
  foreign_ = false;
  probe_now();
}

void NodeMonitor::wake_delivery() {
  delivery_woken_ = true;
  delivery_timer_.cancel();
}

void NodeMonitor::deliver_again() {
  delivered_.reset();
  wake_delivery();
}

IoTask<> NodeMonitor::delivery_loop() {
  while (!stopped_) {
    auto delivery = due_delivery();
    if (!delivery) {
      co_await wait_for_delivery();
      continue;
    }
    const auto version = delivery->version;
    delivery_woken_ = false;
    const auto failure = co_await deliver(std::move(*delivery));
    if (stopped_) co_return;
    if (!failure) {
      delivered_ = version;
      behind_since_.reset();
      owner_.delivered(key_, version);
      continue;
    }
    if (delivery_client_) delivery_client_->close();
    if (std::exchange(failed_, version) != version) {  // cluster.md 4.1: as one failed probe; trying again is none
      owner_.delivery_failed(key_, version, *failure);
      if (!stopped_) count_failure(*failure);
    }
    co_await wait_for_delivery();  // for a newer map, or a probe that succeeds
  }
}

IoTask<> NodeMonitor::wait_for_delivery() {
  if (!std::exchange(delivery_woken_, false) && !stopped_) {
    delivery_timer_.expires_at(Timer::time_point::max());
    co_await delivery_timer_.async_wait(use_task);
    delivery_woken_ = false;
  }
}

std::optional<MapDelivery> NodeMonitor::due_delivery() {
  auto delivery = owner_.next_delivery(key_, hello_.has_value());
  if (!delivery) return std::nullopt;
  if (delivery->version == delivered_) {
    behind_since_.reset();
    return std::nullopt;
  }
  if (!behind_since_) behind_since_ = SteadyClock::now();
  if (!last_probe_good_) return std::nullopt;  // the next good probe wakes it
  return delivery;
}

IoTask<NodeMonitor::Failure> NodeMonitor::deliver(MapDelivery delivery) {
  const auto until = SteadyClock::now() + limits::map_delivery_deadline;
  if (!delivery_client_) delivery_client_ = std::make_shared<PeerClient>(executor_);
  const auto client = delivery_client_;
  if (client->closed_by_peer()) {
    const auto connected =
        co_await client->connect(server_name_, port_, owner_.settings().bind_address, limits::connect_deadline);
    if (stopped_) co_return "stopped";
    if (!connected) co_return fmt::format("cannot connect: {}", connected.error().message());
    auto own = hello_ ? owner_.introduction() : std::nullopt;
    if (own) {
      auto introduction = std::move(*own);
      auto expected = key_;
      const auto greeted =
          co_await say_hello(*client, std::move(introduction), std::move(expected), until - SteadyClock::now());
      if (stopped_) co_return "stopped";
      if (!greeted) co_return greeted.error().text;
    }
  }
  const auto sent = co_await client->write(*delivery.request, until - SteadyClock::now());
  if (!sent) co_return fmt::format("connection lost: {}", sent.error().message());
  const auto answer = co_await client->read_line(until - SteadyClock::now());
  if (!answer) co_return fmt::format("no answer to node sync: {}", answer.error().message());
  if (*answer != "OK") co_return fmt::format("node sync was answered '{}'", printable(*answer));
  co_return std::nullopt;
}

}  // namespace flare
