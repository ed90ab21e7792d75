#include "flare_status/ask.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace flare::status {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;  // a map of any size; not what a stranger may send

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList look_up(const Target& target, int flags) {
  addrinfo wanted{};
  wanted.ai_flags = flags | AI_NUMERICSERV;
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &wanted, &found);
  return {error == 0 ? found : nullptr, &::freeaddrinfo};
}

// A name server that is silent must not hold up the others: the thread is left behind at the deadline.
AddressList look_up_name(const Target& target, Clock::time_point deadline) {
  if (auto numeric = look_up(target, AI_NUMERICHOST)) return numeric;
  auto promise = std::make_shared<std::promise<AddressList>>();
  auto future = promise->get_future();
  std::thread{[promise, target] { promise->set_value(look_up(target, 0)); }}.detach();
  if (future.wait_until(deadline) != std::future_status::ready) return {nullptr, &::freeaddrinfo};
  return future.get();
}

bool ends_answer(std::string_view line) {
  return line == "END" || line == "ERROR" || line.starts_with("SERVER_ERROR") || line.starts_with("CLIENT_ERROR");
}

/// One question on its way.
class Question {
 public:
  Question(const Target& target, std::string request, Clock::time_point deadline) : unsent_{std::move(request)} {
    const auto address = look_up_name(target, deadline);
    if (!address) {
      fail("unknown host name " + target.host);
    } else {
      connect(*address);
    }
  }
  ~Question() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  [[nodiscard]] bool waiting() const { return !done_; }
  [[nodiscard]] pollfd interest() const {
    return {descriptor_, static_cast<short>(unsent_.empty() ? POLLIN : POLLOUT), 0};
  }
  void step() { unsent_.empty() ? receive() : send(); }
  void give_up() { fail("no answer in time"); }
  [[nodiscard]] Answer take() { return std::move(answer_); }

 private:
  void fail(std::string why) {
    answer_ = {.lines = {}, .error = std::move(why)};
    done_ = true;
  }

  void connect(const addrinfo& address) {
    descriptor_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) return fail(std::strerror(errno));
    const int outcome = ::connect(descriptor_, address.ai_addr, address.ai_addrlen);
    if (outcome != 0 && errno != EINPROGRESS) fail(std::strerror(errno));
  }

  void send() {
    const auto sent = ::send(descriptor_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return fail(std::strerror(errno));
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
  }

  void receive() {
    std::array<char, 65536> chunk{};
    const auto got = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return fail(std::strerror(errno));
    if (got == 0) return fail("connection closed before the end of the answer");
    received_ += static_cast<std::size_t>(got);
    if (received_ > answer_bytes_max) return fail("answer too long");
    partial_.append(chunk.data(), static_cast<std::size_t>(got));
    take_lines();
  }

  void take_lines() {
    std::size_t begin = 0;
    for (auto end = partial_.find('\n'); end != std::string::npos && !done_; end = partial_.find('\n', begin)) {
      std::string line = partial_.substr(begin, end - begin);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      begin = end + 1;
      done_ = ends_answer(line);
      answer_.lines.push_back(std::move(line));
    }
    partial_.erase(0, begin);
    if (done_ && answer_.lines.back() != "END") fail("answers " + answer_.lines.back());
  }

  int descriptor_ = -1;
  std::string unsent_;
  std::string partial_;
  std::size_t received_ = 0;
  Answer answer_;
  bool done_ = false;
};

// False when all have ended or the deadline has come.
bool wait_and_step(std::vector<std::unique_ptr<Question>>& questions, Clock::time_point deadline) {
  std::vector<pollfd> entries;
  std::vector<Question*> waiting;
  for (const auto& question : questions) {
    if (!question->waiting()) continue;
    entries.push_back(question->interest());
    waiting.push_back(question.get());
  }
  if (waiting.empty() || Clock::now() >= deadline) return false;
  if (::poll(entries.data(), entries.size(), left_ms(deadline)) <= 0) return true;
  for (std::size_t number = 0; number < entries.size(); ++number) {
    if (entries[number].revents != 0) waiting[number]->step();
  }
  return true;
}

}  // namespace

std::vector<Answer> ask_all(const std::vector<Target>& targets, std::string_view request, Clock::time_point deadline) {
  std::vector<std::unique_ptr<Question>> questions;
  const auto line = std::string{request} + "\r\n";
  for (const auto& target : targets) questions.push_back(std::make_unique<Question>(target, line, deadline));
  while (wait_and_step(questions, deadline)) {
  }
  std::vector<Answer> answers;
  for (auto& question : questions) {
    if (question->waiting()) question->give_up();
    answers.push_back(question->take());
  }
  return answers;
}

}  // namespace flare::status
