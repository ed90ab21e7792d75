#include "flarei/succession.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "common/base/printable.h"

namespace flare {

namespace {

using SteadyClock = std::chrono::steady_clock;

// A slave refuses while it does not know its role yet, or while an older promise lasts (2 s): asked again until then.
constexpr int elections_max = 6;
constexpr std::chrono::milliseconds election_pause{500};
constexpr std::chrono::milliseconds round_deadline{300};  // for the slaves' answers in a handover

// What ends with an exception ends the daemon, as everywhere in flarei.
constexpr auto rethrow = [](std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
};

std::string_view to_text(Succession::Goodbye goodbye) {
  return goodbye == Succession::Goodbye::shutdown ? "shutdown" : "node state down";
}

}  // namespace

/// One election with the coroutines that bring it answers.
struct Succession::Poll {
  Poll(IoExecutor executor, Election started) : election(std::move(started)), changed(executor) {}
  Election election;
  Timer changed;
};

/// The slaves' answers in one round of a handover.
struct Succession::Round {
  Round(IoExecutor executor, PartitionId asked) : partition(asked), changed(executor) {}
  PartitionId partition;
  std::map<NodeKey, LogPosition> positions;
  std::size_t missing = 0;
  Timer changed;
};

Succession::Succession(IoExecutor executor, Index& index, Setup setup, Log& log)
    : executor_(executor), index_(index), setup_(std::move(setup)), log_(log) {}

void Succession::stop() {
  stopped_ = true;
  for (const auto& question : in_work_) question->close();
}

void Succession::node_gone(const NodeKey& key, std::string cause) {
  if (stopped_ || elections_.contains(key)) return;
  const auto now = SteadyClock::now();
  const Election election{index_.map(), key, setup_.health, now};
  if (election.is_decided(now)) {
    // A map that cannot be stored leaves the node as it was: its probes are counted again.
    static_cast<void>(index_.mark_down(key, cause, election.choice()));
    return;
  }
  elections_.insert(key);
  asio::co_spawn(executor_, elect_and_mark(key, std::move(cause)), rethrow);
}

IoTask<> Succession::elect_and_mark(NodeKey key, std::string cause) {
  const auto choice = co_await elect(key);
  elections_.erase(key);
  if (!stopped_) static_cast<void>(index_.mark_down(key, cause, choice));
}

IoTask<Index::Answer> Succession::let_go(NodeKey key, Goodbye goodbye) {
  auto plan = plan_handover(index_.map(), key, setup_.health);
  const auto kind = plan.kind;
  Choice choice;
  if (kind == Handover::Kind::elect) choice = co_await elect(key);
  if (kind == Handover::Kind::ask) choice = co_await hand_over(key, std::move(plan));
  const bool stays = kind == Handover::Kind::refuse || (kind == Handover::Kind::ask && !choice);
  if (stays && !index_.is_down(key)) co_return index_.refuse(Refusal::slaves_behind, key, to_text(goodbye));
  if (goodbye == Goodbye::shutdown) co_return index_.shutdown(key, choice);
  co_return index_.mark_down(key, to_text(goodbye), choice);
}

IoTask<Index::Answer> Succession::restart(NodeKey key) {
  const auto choice = co_await elect(key);
  // The map may be another one by now.
  const auto found = index_.map().nodes.find(key);
  if (found != index_.map().nodes.end() && found->second.state != State::down) co_return index_.restart(key, choice);
  co_return Refusal::already_known;
}

bool Succession::may_follow(const NodeKey& master, const NodeKey& choice) const {
  const auto able = candidates(index_.map(), master, setup_.health);
  return std::any_of(able.begin(), able.end(), [&](const Candidate& each) { return each.key == choice; });
}

// Nobody may follow: as long as some refuse for now, they are asked again. NodeKey{}: nobody, whatever the map says.
IoTask<Succession::Choice> Succession::elect(NodeKey master) {
  Timer pause{executor_};
  for (int turn = 1; !stopped_; ++turn) {
    const bool contested = !candidates(index_.map(), master, setup_.health).empty();
    const auto choice = co_await elect_once(master);
    if (!contested) co_return std::nullopt;
    if (choice && may_follow(master, *choice)) co_return choice;
    if (turn == elections_max) break;
    pause.expires_after(election_pause);
    co_await pause.async_wait(use_task);
  }
  log_.error("no slave in sync may follow the master {}: its partition waits for it", printable(master.text));
  co_return NodeKey{};
}

IoTask<Succession::Choice> Succession::elect_once(NodeKey master) {
  Election started{index_.map(), master, setup_.health, SteadyClock::now()};
  const auto poll = std::make_shared<Poll>(executor_, std::move(started));
  for (const auto& key : poll->election.to_ask()) asio::co_spawn(executor_, ask_candidate(poll, key), rethrow);
  while (!stopped_ && !poll->election.is_decided(SteadyClock::now())) {
    poll->changed.expires_at(poll->election.decides_at());
    co_await poll->changed.async_wait(use_task);
  }
  co_return poll->election.choice();
}

IoTask<> Succession::ask_candidate(std::shared_ptr<Poll> poll, NodeKey key) {
  const auto question = question_for(key);
  Answer answer;
  if (question) {
    auto request = position_request(poll->election.partition(), poll->election.epoch(), PositionAsked::promise);
    answer = co_await ask(question, std::move(request), Election::answer_deadline);
  }
  switch (answer.kind) {
    case Answer::Kind::position:
      poll->election.answered(key, answer.position, SteadyClock::now());
      log_.notice("{} is at epoch {} sequence {} of partition {}", printable(key.text), raw(answer.position.epoch),
                  raw(answer.position.sequence), raw(poll->election.partition()));
      break;
    case Answer::Kind::refused:
      poll->election.refused(key);
      break;
    case Answer::Kind::failed:
      poll->election.failed(key);
      break;
  }
  if (answer.kind != Answer::Kind::position && !stopped_) log_.warning("{}: {}", printable(key.text), answer.text);
  poll->changed.cancel();
}

// docs/replication.md 10: the master first, then the slaves, round after round: what one of them has then is all that
// the master had when it was asked.
IoTask<Succession::Choice> Succession::hand_over(NodeKey master, Handover plan) {
  const auto until = SteadyClock::now() + Handover::patience;
  const auto leader = question_for(master);
  std::map<NodeKey, Question> slaves;
  for (const auto& key : plan.slaves) {
    if (auto question = question_for(key)) slaves.emplace(key, std::move(question));
  }
  Timer pause{executor_};
  while (leader && !stopped_ && SteadyClock::now() < until) {
    const Epoch epoch{raw(next(index_.map().version))};
    auto request = position_request(plan.partition, epoch, PositionAsked::leaving);
    const auto last = co_await ask(leader, std::move(request), Election::answer_deadline);
    if (last.kind == Answer::Kind::failed) {  // it hangs or is gone: as if the monitor had said so
      log_.warning("{} is asked to go: {}", printable(master.text), last.text);
      co_return co_await elect(master);
    }
    if (last.kind == Answer::Kind::position) {
      const auto positions = co_await positions_of(slaves, plan.partition);
      const auto choice = has_all(plan, last.position, positions);
      if (choice && may_follow(master, *choice)) co_return choice;
    }
    pause.expires_after(Handover::round_interval);
    co_await pause.async_wait(use_task);
  }
  co_return std::nullopt;
}

IoTask<std::map<NodeKey, LogPosition>> Succession::positions_of(std::map<NodeKey, Question> slaves,
                                                                PartitionId partition) {
  const auto round = std::make_shared<Round>(executor_, partition);
  round->missing = slaves.size();
  for (const auto& [key, question] : slaves) {
    asio::co_spawn(executor_, ask_slave(round, question, key), rethrow);
  }
  const auto until = SteadyClock::now() + round_deadline;
  while (!stopped_ && round->missing > 0 && SteadyClock::now() < until) {
    round->changed.expires_at(until);
    co_await round->changed.async_wait(use_task);
  }
  co_return round->positions;
}

// No promise is asked for: the slave must go on following.
IoTask<> Succession::ask_slave(std::shared_ptr<Round> round, Question question, NodeKey key) {
  const Epoch epoch{raw(next(index_.map().version))};
  auto request = position_request(round->partition, epoch, PositionAsked::leaving);
  const auto answer = co_await ask(question, std::move(request), round_deadline);
  if (answer.kind == Answer::Kind::position) round->positions.emplace(key, answer.position);
  round->missing -= 1;
  round->changed.cancel();
}

IoTask<Succession::Answer> Succession::ask(Question question, std::string request, PeerClient::Duration deadline) {
  if (stopped_) co_return Answer{};
  in_work_.insert(question);
  auto answer = co_await question->ask(std::move(request), deadline);
  in_work_.erase(question);
  co_return answer;
}

Succession::Question Succession::question_for(const NodeKey& key) {
  const auto found = index_.map().nodes.find(key);
  if (found == index_.map().nodes.end()) return nullptr;
  auto own = setup_.introduce ? setup_.introduce() : std::nullopt;
  return std::make_shared<PositionQuestion>(executor_, found->second, setup_.bind_address, std::move(own));
}

}  // namespace flare
