#pragma once

#include <string>

#include "support/history.h"
#include "support/text_client.h"

namespace flare::test {

/// How a request is written: memcached's classic commands, or its meta commands, whose answers carry the request's tag.
enum class Form { classic, meta };

/// The bytes of the request for an operation.
[[nodiscard]] std::string bytes_of(const Operation& operation, Form form, const std::string& tag);

/// Reads the answer and notes in the operation what it says. Empty, or why it cannot be the answer to this request.
/// Throws as the client does when none comes.
[[nodiscard]] std::string read_answer(TextClient& client, Operation& operation, Form form, const std::string& tag);

}  // namespace flare::test
