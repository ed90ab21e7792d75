#include "common/net/greeting.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/printable.h"

namespace flare {
namespace {

constexpr std::string_view hello_answer = "HELLO ";

GreetingFailure lost(std::string_view waiting_for, const error_code& error) {
  return {error, false, fmt::format("no answer to {}: {}", waiting_for, error.message())};
}

GreetingFailure foreign(std::string text) { return {{}, true, "foreign: " + std::move(text)}; }

GreetingFailure without_identity() { return foreign("the peer tells no identity, and require-identity is set here"); }

}  // namespace

Result<Greeting, GreetingFailure> judge_hello_answer(std::string_view answer, const OwnGreeting& own,
                                                     const NodeKey& expected) {
  if (answer.starts_with(foreign_answer)) return foreign(fmt::format("it answers '{}'", printable(answer, 400)));
  if (answer == "ERROR") {  // of ours, from before the hello
    if (own.identity_required) return without_identity();
    return Greeting{PeerKind::ours, std::nullopt};
  }
  if (!answer.starts_with(hello_answer)) {
    return GreetingFailure{{}, false, fmt::format("hello was answered '{}'", printable(answer))};
  }
  auto hello = parse_hello_words(answer.substr(hello_answer.size()));
  if (!hello) return GreetingFailure{{}, false, fmt::format("hello was answered '{}'", printable(answer))};
  if (kinship(own.hello.identity, hello->identity) == Kinship::foreign) {
    return foreign(fmt::format("{} is of {}, and this is {} of {}", hello->key.text, to_text(hello->identity),
                               own.hello.key.text, to_text(own.hello.identity)));
  }
  if (!expected.text.empty() && hello->key != expected) {
    return foreign(fmt::format("{} answers where {} was expected", hello->key.text, expected.text));
  }
  return Greeting{PeerKind::ours, std::move(hello)};
}

IoTask<Result<Greeting, GreetingFailure>> say_hello(PeerClient& client, OwnGreeting own, NodeKey expected,
                                                    PeerClient::Duration deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  const auto request = "hello " + hello_words(own.hello) + "\r\n";
  const auto sent = co_await client.write(request, deadline);
  if (!sent) co_return lost("hello", sent.error());
  const auto answer = co_await client.read_line(until - std::chrono::steady_clock::now());
  if (!answer) co_return lost("hello", answer.error());
  co_return judge_hello_answer(*answer, own, expected);
}

IoTask<Result<Greeting, GreetingFailure>> greet_peer(PeerClient& client, std::optional<OwnGreeting> own,
                                                     NodeKey expected, PeerClient::Duration deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  const auto sent = co_await client.write("version\r\n", deadline);
  if (!sent) co_return lost("version", sent.error());
  const auto answer = co_await client.read_line(until - std::chrono::steady_clock::now());
  if (!answer) co_return lost("version", answer.error());
  if (answer->starts_with("VERSION flare-1.")) {
    if (own && own->identity_required) co_return without_identity();
    co_return Greeting{PeerKind::original, std::nullopt};
  }
  if (!own) co_return Greeting{PeerKind::ours, std::nullopt};
  auto introduction = std::move(*own);
  co_return co_await say_hello(client, std::move(introduction), std::move(expected),
                               until - std::chrono::steady_clock::now());
}

}  // namespace flare
