#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// The words behind `stats` that the original knows (docs/spec/protocol.md 5). Pure.
namespace flare {

enum class StatsTopic : std::uint8_t {
  general,  // no word
  items,
  slabs,
  sizes,
  nodes,
  threads,
  threads_request,
  threads_slave,
  threads_queue,
  doors,   // ours: who came in and who was refused
  offers,  // ours, of flarei: the maps that nodes offer to an index that has lost its own
};

/// `words`: what follows `stats`. Words behind a known topic are ignored; nullopt for anything else: `ERROR`.
std::optional<StatsTopic> stats_topic_from_words(std::string_view words);

}  // namespace flare
