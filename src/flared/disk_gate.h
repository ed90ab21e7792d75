#pragma once

#include <string>

#include "flared/awaited_answers.h"

namespace flare {

class Worker;

/// docs/design.md 3.6, `group`: fills the place with `answer` when all entries given so far are on the disk, by one
/// sync that all who wait share; the worker goes on meanwhile. If they never will be, all answers of that turn are lost
/// and its client is closed. Inside a Batch, after write_log.
void fill_when_on_disk(Worker& worker, AnswerPlace place, std::string answer);

}  // namespace flare
