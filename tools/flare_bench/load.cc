#include "flare_bench/load.h"

#include <algorithm>

namespace flare::bench {
namespace {

constexpr std::size_t chunk_bytes = 128 * 1024;        // a value of 64 KiB comes in one read
constexpr std::size_t shown_bytes = 100;               // of an answer that cannot be understood
constexpr int last_answers_factor = 3;                 // times the limit for one answer
constexpr std::chrono::milliseconds look_around{100};  // for the wish to stop, when nothing else happens

}  // namespace

Load::Load(const Wire& wire, AnswerChecker& checker, Clock::duration answer_limit)
    : wire_{wire}, checker_{checker}, answer_limit_{answer_limit}, chunk_(chunk_bytes) {}

void Load::adopt(std::unique_ptr<Connection> connection) {
  poller_.add(connection->descriptor(), EPOLLIN, connection.get());
  idle_.push_back(connection.get());
  all_.push_back(std::move(connection));
}

std::size_t Load::quiet_connections() const {
  return static_cast<std::size_t>(
      std::count_if(idle_.begin(), idle_.end(), [](const auto* connection) { return connection->quiet_and_open(); }));
}

void Load::run(Pace& pace, RequestSource& source, std::uint32_t pipeline, Tally& tally, Progress& progress) {
  auto now = Clock::now();
  Run run{.pace = pace, .source = source, .pipeline = pipeline, .tally = tally, .progress = progress, .start = now};
  start_idle(run, now);
  while (busy_ > 0 || !ends(run, now)) {
    auto deadline = now + look_around;
    if (busy_ > 0) deadline = std::min(deadline, run.last_answer + answer_limit_);
    if (const auto due = pace.next_due(); due && !idle_.empty() && !run.ended) deadline = std::min(deadline, *due);
    for (const auto& event : poller_.wait_until(deadline)) {
      serve(run, *static_cast<Connection*>(event.data.ptr), event.events);
    }
    now = Clock::now();
    start_idle(run, now);
    if (!run.ended && ends(run, now)) run.ended = now;
    if (busy_ > 0 && too_late(run, now)) give_up(run);
  }
  if (progress.stop || pace.unsent() == 0) return;
  tally.blame(&Tally::unsent, "requests were due and found no free connection", pace.unsent());
}

bool Load::ends(const Run& run, TimePoint now) const {
  return run.exhausted || run.progress.stop || (busy_ == 0 && idle_.empty()) || run.pace.over(now);
}

bool Load::too_late(const Run& run, TimePoint now) const {
  return now - run.last_answer >= answer_limit_ ||
         (run.ended && now - *run.ended >= last_answers_factor * answer_limit_);
}

// Each connection that is free takes what may begin now.
void Load::start_idle(Run& run, TimePoint now) {
  while (!idle_.empty() && !run.exhausted && !run.progress.stop.load(std::memory_order_relaxed)) {
    auto& connection = *idle_.front();
    if (!fill_batch(run, connection, now)) return;
    idle_.pop_front();
    connection.busy = true;
    if (busy_++ == 0) run.last_answer = now;
    push_out(run, connection);
  }
}

bool Load::fill_batch(Run& run, Connection& connection, TimePoint now) {
  connection.begin();
  auto& batch = connection.batch();
  while (batch.requests.size() < run.pipeline && !run.exhausted) {
    const auto from = run.pace.take(now);
    if (!from) break;
    run.exhausted = !run.source.append(*from, batch);
  }
  return !batch.requests.empty();
}

void Load::serve(Run& run, Connection& connection, std::uint32_t events) {
  const auto is_open = [&] { return connection.descriptor() >= 0; };  // not if it was lost since epoll spoke
  if ((events & EPOLLOUT) != 0 && is_open()) push_out(run, connection);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && is_open()) take_answers(run, connection);
}

void Load::push_out(Run& run, Connection& connection) {
  if (!connection.send())
    return lose(run, connection, &Tally::lost_connections, "a connection was closed by the server");
  if (connection.unsent() == connection.waits_for_room) return;
  connection.waits_for_room = connection.unsent();
  poller_.change(connection.descriptor(), EPOLLIN | (connection.unsent() ? std::uint32_t{EPOLLOUT} : 0U), &connection);
}

void Load::take_answers(Run& run, Connection& connection) {
  const auto input = connection.receive(chunk_);
  if (!input) return lose(run, connection, &Tally::lost_connections, "a connection was closed by the server");
  const auto now = Clock::now();
  auto rest = *input;
  while (!connection.answered()) {
    const auto before = rest.size();
    if (!take_answer(run, connection, rest, now)) return;
    if (rest.size() == before) break;  // the rest has not come yet
  }
  if (connection.answered() && !rest.empty()) {
    return lose(run, connection, &Tally::wrong, "bytes nobody asked for: " + std::string{rest.substr(0, shown_bytes)});
  }
  connection.take(input->size() - rest.size());
  if (!connection.busy || !connection.answered()) return;
  connection.busy = false;
  --busy_;
  idle_.push_back(&connection);
  start_idle(run, now);
}

// False when the connection is lost.
bool Load::take_answer(Run& run, Connection& connection, std::string_view& input, TimePoint now) {
  const auto& asked = connection.awaited();
  answer_.clear();
  const auto state = asked.sets ? wire_.read_set(input, answer_) : wire_.read_get(input, asked.key_count, answer_);
  if (state == AnswerState::incomplete) return true;
  if (state == AnswerState::broken) {
    lose(run, connection, &Tally::wrong, "not an answer: " + std::string{input.substr(0, shown_bytes)});
    return false;
  }
  (asked.sets ? run.tally.set_times : run.tally.get_times).add(now - asked.from);
  run.tally.timeline.add(asked.from - run.start, now - asked.from);
  checker_.check(asked, connection.batch().keys_of(asked), answer_, run.tally);
  connection.count_answer();
  input.remove_prefix(answer_.bytes);
  run.last_answer = now;
  run.progress.answered.fetch_add(1, std::memory_order_relaxed);
  run.progress.faults.store(run.tally.faults(), std::memory_order_relaxed);
  return true;
}

void Load::lose(Run& run, Connection& connection, std::uint64_t Tally::*counter, std::string_view why) {
  run.tally.blame(counter, why);
  for (; !connection.answered(); connection.count_answer()) {
    checker_.give_up(connection.awaited(), connection.batch().keys_of(connection.awaited()));
    run.tally.blame(&Tally::unanswered, why);
  }
  run.progress.faults.store(run.tally.faults(), std::memory_order_relaxed);
  if (connection.busy) {
    connection.busy = false;
    --busy_;
  } else {
    std::erase(idle_, &connection);
  }
  poller_.remove(connection.descriptor());
  connection.close();
}

void Load::give_up(Run& run) {
  const auto limit_ms = std::chrono::floor<std::chrono::milliseconds>(answer_limit_).count();
  const auto why = "no answer for " + std::to_string(limit_ms) + " ms (--answer-limit)";
  for (const auto& connection : all_) {
    if (connection->busy) lose(run, *connection, &Tally::lost_connections, why);
  }
}

}  // namespace flare::bench
