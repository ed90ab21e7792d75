#include "support/item_request.h"

#include <fmt/format.h>

#include <array>
#include <sstream>

namespace flare::test {
namespace {

std::string classic_bytes(const Operation& operation) {
  const auto& key = operation.key;
  const auto& value = operation.value;
  switch (operation.action) {
    case Action::get:
      return "gets " + key + "\r\n";
    case Action::set:
      return fmt::format("set {} 0 0 {}\r\n{}\r\n", key, value.size(), value);
    case Action::add:
      return fmt::format("add {} 0 0 {}\r\n{}\r\n", key, value.size(), value);
    case Action::cas:
      return fmt::format("cas {} 0 0 {} {}\r\n{}\r\n", key, value.size(), operation.version, value);
    case Action::incr:
      return fmt::format("incr {} {}\r\n", key, operation.by);
    case Action::remove:
      return "delete " + key + "\r\n";
  }
  return {};
}

std::string meta_bytes(const Operation& operation, const std::string& tag) {
  const auto& key = operation.key;
  const auto& value = operation.value;
  switch (operation.action) {
    case Action::get:
      return fmt::format("mg {} k v c O{}\r\n", key, tag);
    case Action::set:
      return fmt::format("ms {} {} O{}\r\n{}\r\n", key, value.size(), tag, value);
    case Action::add:
      return fmt::format("ms {} {} ME O{}\r\n{}\r\n", key, value.size(), tag, value);
    case Action::cas:
      return fmt::format("ms {} {} C{} O{}\r\n{}\r\n", key, value.size(), operation.version, tag, value);
    case Action::incr:
      return fmt::format("ma {} D{} v O{}\r\n", key, operation.by, tag);
    case Action::remove:
      return fmt::format("md {} O{}\r\n", key, tag);
  }
  return {};
}

bool surely_not_done(const std::string& line) {
  constexpr std::array texts{"SERVER_ERROR proxy failure", "SERVER_ERROR too few replicas",
                             "SERVER_ERROR no partition available", "SERVER_ERROR out of disk space"};
  for (const auto* text : texts) {
    if (line.starts_with(text)) return true;
  }
  return false;
}

// docs/replication.md 12: which errors say "not done", and that all others say "nobody knows".
bool take_error(const std::string& line, Operation& operation) {
  if (!line.starts_with("SERVER_ERROR ")) return false;
  operation.told = surely_not_done(line) ? Told::not_done : Told::unknown;
  operation.answer = line;
  return true;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string data_of(TextClient& client, std::size_t size) {
  auto data = client.read_exactly(size);
  return client.read_exactly(2) == "\r\n" ? data : data + " (of another length)";
}

void note(Operation& operation, Told told, std::string answer = {}) {
  operation.told = told;
  operation.answer = std::move(answer);
}

std::string read_classic_get(TextClient& client, Operation& operation, const std::string& line) {
  if (line == "END") {
    note(operation, Told::absent);
    return {};
  }
  std::istringstream words{line};
  std::string word;
  std::string key;
  std::uint32_t flags = 0;
  std::size_t size = 0;
  if (!(words >> word >> key >> flags >> size >> operation.version) || word != "VALUE" || key != operation.key) {
    return line;
  }
  note(operation, Told::value, data_of(client, size));
  const auto end = client.read_line();
  return end == "END" ? std::string{} : end;
}

std::string read_classic(TextClient& client, Operation& operation) {
  const auto line = client.read_line();
  const auto action = operation.action;
  if (take_error(line, operation)) return {};
  if (action == Action::get) return read_classic_get(client, operation, line);
  const bool stores = action == Action::set || action == Action::add || action == Action::cas;
  if (line == (action == Action::remove ? "DELETED" : "STORED") && action != Action::incr) {
    note(operation, Told::done);
  } else if (line == "NOT_FOUND" && (!stores || action == Action::cas)) {
    note(operation, Told::absent);
  } else if ((line == "NOT_STORED" && action == Action::add) || (line == "EXISTS" && action == Action::cas)) {
    note(operation, Told::refused);
  } else if (action == Action::incr && is_number(line)) {
    note(operation, Told::number, line);
  } else {
    return line;
  }
  return {};
}

/// A line of a meta answer: code, the size of data if there are some, flags.
struct MetaLine {
  std::string code{};
  std::size_t size = 0;
  std::string tag{};
  std::string key{};
  std::string version{};
};

MetaLine parse_meta(const std::string& line) {
  std::istringstream words{line};
  MetaLine parsed;
  words >> parsed.code;
  if (parsed.code == "VA") words >> parsed.size;
  for (std::string flag; words >> flag;) {
    if (flag[0] == 'O') parsed.tag = flag.substr(1);
    if (flag[0] == 'k') parsed.key = flag.substr(1);
    if (flag[0] == 'c') parsed.version = flag.substr(1);
  }
  return parsed;
}

std::string read_meta(TextClient& client, Operation& operation, const std::string& tag) {
  const auto line = client.read_line();
  const auto action = operation.action;
  if (take_error(line, operation)) return {};
  const auto parsed = parse_meta(line);
  const auto& code = parsed.code;
  if (code == "EN" && action == Action::get) {  // memcached's misses carry no tag
    note(operation, Told::absent);
    return {};
  }
  if (parsed.tag != tag) return line;
  if (code == "VA" && action == Action::get && parsed.key == operation.key && is_number(parsed.version)) {
    operation.version = std::stoull(parsed.version);
    note(operation, Told::value, data_of(client, parsed.size));
  } else if (code == "VA" && action == Action::incr) {
    note(operation, Told::number, data_of(client, parsed.size));
    if (!is_number(operation.answer)) return operation.answer;
  } else if (code == "HD" && action != Action::get && action != Action::incr) {
    note(operation, Told::done);
  } else if (code == "NF" && action != Action::get && action != Action::set && action != Action::add) {
    note(operation, Told::absent);
  } else if ((code == "NS" && action == Action::add) || (code == "EX" && action == Action::cas)) {
    note(operation, Told::refused);
  } else {
    return line;
  }
  return {};
}

}  // namespace

std::string bytes_of(const Operation& operation, Form form, const std::string& tag) {
  return form == Form::classic ? classic_bytes(operation) : meta_bytes(operation, tag);
}

std::string read_answer(TextClient& client, Operation& operation, Form form, const std::string& tag) {
  const auto wrong = form == Form::classic ? read_classic(client, operation) : read_meta(client, operation, tag);
  return wrong.empty() ? wrong : to_text(operation) + ", tag " + tag + ", was answered with: " + wrong;
}

}  // namespace flare::test
