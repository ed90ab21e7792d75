#include "flared/map_offer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/cluster/node_map_text.h"

namespace flare {

namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds interval_default{5000};  // of flarei
constexpr std::chrono::milliseconds look_each_min{100};

}  // namespace

MapOffer::MapOffer(IoExecutor executor, Setup setup, IndexLink& index, View view,
                   const std::atomic<std::int64_t>& probed, Log& log)
    : executor_(executor),
      setup_(std::move(setup)),
      index_(index),
      view_(std::move(view)),
      probed_(probed),
      log_(log),
      timer_(executor) {}

void MapOffer::start() {
  started_ = Steady::now();
  asio::co_spawn(executor_, run(), asio::detached);
}

void MapOffer::stop() {
  stopped_ = true;
  timer_.cancel();
}

IoTask<> MapOffer::run() {
  while (!stopped_) {
    timer_.expires_after(std::clamp(interval(), look_each_min, interval_default));
    co_await timer_.async_wait(use_task);
    if (!stopped_ && is_forgotten()) co_await offer();
  }
}

bool MapOffer::is_forgotten() const {
  const Steady::time_point probed{Steady::duration{probed_.load(std::memory_order_relaxed)}};
  return Steady::now() - std::max(probed, started_) >= forgotten_after(interval());
}

std::chrono::milliseconds MapOffer::interval() const {
  const auto told = setup_.interval ? setup_.interval() : std::nullopt;
  return told.value_or(interval_default);
}

IoTask<> MapOffer::offer() {
  const auto view = view_();
  if (!view || raw(view->map.version) == 0) co_return;  // no index has told it any map
  auto request = fmt::format("node offer {} {} {}\r\n", raw(view->map.version), setup_.server_name, setup_.port);
  auto lines = node_lines_with_reigns(view->map);
  const auto offered = co_await index_.offer(std::move(request), std::move(lines));
  if (!offered) {
    if (offered.error().text != said_) log_.warning("this node is not probed: {}", offered.error().text);
    said_ = offered.error().text;
    co_return;
  }
  said_.clear();
  if (*offered) log_.notice("map version {} is offered to the index, which has lost its own", raw(view->map.version));
}

}  // namespace flare
