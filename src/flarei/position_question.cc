#include "flarei/position_question.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/printable.h"

namespace flare {

namespace {

using Answer = PositionQuestion::Answer;
using SteadyClock = std::chrono::steady_clock;

Answer failed(std::string text) { return {Answer::Kind::failed, {}, std::move(text)}; }

}  // namespace

Answer judge_position_answer(std::string_view line) {
  if (const auto position = parse_position_answer(line)) return {Answer::Kind::position, *position, {}};
  if (line.starts_with("SERVER_ERROR ")) return {Answer::Kind::refused, {}, std::string{printable(line)}};
  return failed(fmt::format("position was answered '{}'", printable(line)));
}

PositionQuestion::PositionQuestion(IoExecutor executor, Node node, std::string bind_address,
                                   std::optional<OwnGreeting> own)
    : node_(std::move(node)), bind_address_(std::move(bind_address)), own_(std::move(own)), client_(executor) {}

IoTask<Answer> PositionQuestion::ask(std::string request, PeerClient::Duration deadline) {
  const auto until = SteadyClock::now() + deadline;
  if (client_.closed_by_peer()) {
    auto connected = co_await connect(deadline);
    if (connected.kind == Answer::Kind::failed) co_return connected;
  }
  const auto sent = co_await client_.write(request, until - SteadyClock::now());
  if (!sent) co_return failed(fmt::format("connection lost: {}", sent.error().message()));
  const auto line = co_await client_.read_line(until - SteadyClock::now());
  if (!line) co_return failed(fmt::format("no answer to position: {}", line.error().message()));
  co_return judge_position_answer(*line);
}

IoTask<Answer> PositionQuestion::connect(PeerClient::Duration deadline) {
  const auto until = SteadyClock::now() + deadline;
  const auto connected = co_await client_.connect(node_.server_name, node_.port, bind_address_, deadline);
  if (!connected) co_return failed(fmt::format("cannot connect: {}", connected.error().message()));
  auto own = own_;
  auto expected = node_.key();
  const auto greeted = co_await greet_peer(client_, std::move(own), std::move(expected), until - SteadyClock::now());
  if (!greeted) co_return failed(greeted.error().text);
  // An original answers ERROR, and would be asked again and again.
  if (greeted->kind == PeerKind::original) co_return failed("an original knows no position");
  co_return Answer{Answer::Kind::position, {}, {}};
}

}  // namespace flare
