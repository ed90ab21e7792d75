#pragma once

#include <optional>
#include <string_view>

#include "common/protocol/item_request.h"
#include "common/protocol/words.h"

/// What the answers of our nodes and of originals to item requests have in common. Pure.
namespace flare {

/// The first line of an answer, and what follows it.
struct ItemAnswerLine {
  std::string_view line;
  std::string_view with_line_end;
  std::string_view rest;
};
/// nullopt: there is no whole line.
std::optional<ItemAnswerLine> split_item_answer(std::string_view answer);

/// Error lines of either kind of node; nullopt: it is none.
std::optional<ItemResult> parse_error_line(const ItemAnswerLine& answer);

/// An answer that is none: what the other node did is not known.
ItemResult not_understood();

/// All of `text` as a number, spaces around it read over.
template <class T>
bool take_number(std::string_view text, T& value) {
  Words words{text};
  const auto number = words.next_number<T>();
  if (!number || !words.done()) return false;
  value = *number;
  return true;
}

}  // namespace flare
