#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/net/task.h"
#include "flarei/failover.h"
#include "flarei/index.h"
#include "flarei/position_question.h"

namespace flare {

/// Takes nodes down, and masters so that the right slave follows (docs/replication.md 10). Asks nodes where it must,
/// and holds nothing else up meanwhile: the map may change under it, so what it decided is judged by the newest. Lives
/// on the I/O thread, longer than its coroutines.
class Succession {
 public:
  struct Setup {
    HealthOf health;                // what the monitors know
    Introduce introduce = {};       // how flarei says who it is
    std::string bind_address = {};  // where connections start from; empty: any
  };
  Succession(IoExecutor executor, Index& index, Setup setup, Log& log);
  Succession(const Succession&) = delete;
  Succession& operator=(const Succession&) = delete;

  /// The monitor says that the node is gone. At once, unless slaves have to be compared.
  void node_gone(const NodeKey& key, std::string cause);
  /// An operator wants it down, or it says goodbye itself: a living master leaves nothing behind, or stays.
  enum class Goodbye { node_state_down, shutdown };
  IoTask<Index::Answer> let_go(NodeKey key, Goodbye goodbye);
  /// `node add` of a node whose old process is proven gone.
  IoTask<Index::Answer> restart(NodeKey key);
  /// Ends the questions in work; none is asked any more.
  void stop();

 private:
  using Choice = std::optional<NodeKey>;
  using Question = std::shared_ptr<PositionQuestion>;
  using Answer = PositionQuestion::Answer;
  struct Poll;
  struct Round;

  bool may_follow(const NodeKey& master, const NodeKey& choice) const;
  IoTask<> elect_and_mark(NodeKey key, std::string cause);
  IoTask<Choice> elect(NodeKey master);
  IoTask<Choice> elect_once(NodeKey master);
  IoTask<> ask_candidate(std::shared_ptr<Poll> poll, NodeKey key);
  IoTask<Choice> hand_over(NodeKey master, Handover plan);
  IoTask<> ask_slave(std::shared_ptr<Round> round, Question question, NodeKey key);
  IoTask<std::map<NodeKey, LogPosition>> positions_of(std::map<NodeKey, Question> slaves, PartitionId partition);
  IoTask<Answer> ask(Question question, std::string request, PeerClient::Duration deadline);
  Question question_for(const NodeKey& key);

  IoExecutor executor_;
  Index& index_;
  Setup setup_;
  Log& log_;
  bool stopped_ = false;
  std::set<NodeKey> elections_;  // masters whose followers are being compared
  std::set<Question> in_work_;   // to be closed by `stop`
};

}  // namespace flare
