#include "common/protocol/stats_topic.h"

#include "common/protocol/words.h"

namespace flare {
namespace {

std::optional<StatsTopic> threads_topic(std::string_view word) {
  if (word.empty()) return StatsTopic::threads;
  if (word == "request") return StatsTopic::threads_request;
  if (word == "slave") return StatsTopic::threads_slave;
  if (word == "queue") return StatsTopic::threads_queue;
  return std::nullopt;
}

}  // namespace

std::optional<StatsTopic> stats_topic_from_words(std::string_view text) {
  Words words{text};
  const auto word = words.next();
  if (word.empty()) return StatsTopic::general;
  if (word == "items") return StatsTopic::items;
  if (word == "slabs") return StatsTopic::slabs;
  if (word == "sizes") return StatsTopic::sizes;
  if (word == "nodes") return StatsTopic::nodes;
  if (word == "doors") return StatsTopic::doors;
  if (word == "offers") return StatsTopic::offers;
  if (word == "threads") return threads_topic(words.next());
  return std::nullopt;
}

}  // namespace flare
