#include "common/protocol/item_answer_line.h"

#include "common/base/limits.h"
#include "common/protocol/line.h"
#include "common/protocol/reply_writer.h"

namespace flare {

ItemResult not_understood() { return failed(reply::proxy_error); }

std::optional<ItemAnswerLine> split_item_answer(std::string_view answer) {
  const auto found = find_line(answer, limits::line_bytes_max);
  if (found.kind != LineSearch::Kind::found) return std::nullopt;
  return ItemAnswerLine{found.text, answer.substr(0, found.consumed), answer.substr(found.consumed)};
}

// A bare ERROR did not even read the command: surely not done.
std::optional<ItemResult> parse_error_line(const ItemAnswerLine& answer) {
  if (answer.with_line_end == reply::non_numeric) return with_status(ItemStatus::non_numeric);
  if (answer.with_line_end == reply::too_large) return with_status(ItemStatus::too_large);
  if (answer.line == "ERROR") return failed(reply::proxy_failure);
  const bool is_error = answer.line.starts_with("SERVER_ERROR") || answer.line.starts_with("CLIENT_ERROR");
  return is_error ? std::optional{failed(answer.with_line_end)} : std::nullopt;
}

}  // namespace flare
