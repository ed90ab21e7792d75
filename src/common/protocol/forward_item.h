#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/protocol/item_request.h"
#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"

/// Item requests between nodes (docs/design.md 2: no raw keys between nodes): to a daemon of ours as a prefixed meta
/// line, whatever protocol the client speaks, so that versions and marks come back; to an original in the words that
/// it knows. Pure.
namespace flare {

/// Never quiet, with absolute times, and asking for all that any form of answer tells.
void append_forwarded_item(OutputBuffer& out, const ItemRequest& request, std::string_view prefix,
                           std::string_view own_name, std::int64_t now_s);
/// The whole answer (answer_reader.h, AnswerShape::item) to such a line; views point into it.
ItemResult parse_item_answer(const ItemRequest& request, std::string_view answer, std::int64_t now_s);

/// The same for an original, as one of its own commands; nullopt: it has none that means this.
std::optional<Request> classic_form(const ItemRequest& request);
ItemResult parse_classic_answer(const ItemRequest& request, std::string_view answer);

}  // namespace flare
