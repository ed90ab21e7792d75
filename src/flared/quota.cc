#include "flared/quota.h"

#include <fmt/format.h>

#include "common/protocol/command_class.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

std::uint64_t words_in(std::string_view text) {
  std::uint64_t count = 0;
  Words words{text};
  while (!words.next().empty()) ++count;
  return count;
}

}  // namespace

void count_refusal(Counters& counters, StorageError error) {
  (error == StorageError::too_many_items ? counters.refused_items : counters.refused_bytes).add();
}

std::uint64_t operations_of(const Request& request) {
  if (request.proxied || !is_about_data(request.command)) return 0;
  const bool many = request.command == Command::get || request.command == Command::gets || request.memcached_order;
  return many ? words_in(request.rest) : 1;
}

std::string quota_stats(const QuotaFigures& figures, const std::vector<const Counters*>& workers) {
  std::string text;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    text += fmt::format("STAT {} {}\r\n", name, value);
  };
  const auto sum = [&](Counter Counters::*member) {
    std::uint64_t total = 0;
    for (const auto* counters : workers) total += (counters->*member).get();
    return total;
  };
  add("max_items", figures.limits.items);
  add("items", figures.items);
  add("refused_items", sum(&Counters::refused_items));
  add("max_bytes", figures.limits.bytes);
  add("bytes", figures.bytes);
  add("refused_bytes", sum(&Counters::refused_bytes));
  add("max_ops_per_second", figures.operations_max);
  add("refused_ops", sum(&Counters::refused_operations));
  add("max_connection", figures.connections.clients_max);
  add("connections", figures.connections.clients);
  add("node_connections", figures.connections.nodes);
  add("refused_connections", figures.connections.refused);
  add("max_connection_memory", figures.memory_max);
  add("connection_memory", figures.memory);
  add("refused_connection_memory", figures.refused_memory);
  add("sweeps", figures.sweeps);
  add("reclaimed", figures.reclaimed);
  return text + "END\r\n";
}

}  // namespace flare
