#include "support/recorded_writer.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

namespace flare::test {
namespace {

constexpr std::uint64_t keys = 200;  // of each writer, the last tenth of them numbers
constexpr std::uint64_t numbers_from = keys - keys / 10;
constexpr std::size_t batch_max = 16;
constexpr std::size_t data_bytes_max = 600;
constexpr std::int64_t far_future_s = 4'000'000'000;

std::int64_t steady_ns() { return SteadyClock::now().time_since_epoch().count(); }

}  // namespace

StoredItems dump_of(const Address& node) {
  TextClient client{node, Milliseconds{60'000}};
  client.send("dump\r\n");
  StoredItems items;
  while (true) {
    const auto line = client.read_line();
    if (line == "END") return items;
    std::istringstream words{line};
    std::string value;
    std::string key;
    StoredItem item;
    std::size_t size = 0;
    if (!(words >> value >> key >> item.flags >> size >> item.version >> item.expire_s) || value != "VALUE") {
      throw std::runtime_error("dump: " + line);
    }
    item.data = client.read_exactly(size);
    if (client.read_exactly(2) != "\r\n")
      throw std::runtime_error("dump: the data of " + key + " is of another length");
    if (!items.emplace(key, item).second) throw std::runtime_error("dump: " + key + " is there twice");
  }
}

RecordedWriter::RecordedWriter(int number, std::uint64_t seed, WritersShare& share)
    : prefix_{fmt::format("writer{}-", number)}, random_{seed}, share_{share} {}

std::string RecordedWriter::own_key(std::uint64_t number) const { return fmt::format("{}{}", prefix_, number); }

void RecordedWriter::run(const Address& node) {
  try {
    TextClient client{node};
    learn_versions(client);
    ++share_.ready;
    while (failure_.empty()) {
      send_batch(client);
      take_answers(client);
    }
  } catch (const std::runtime_error& error) {
    if (!share_.killed && failure_.empty()) failure_ = prefix_ + ": before the kill: " + error.what();
  }
}

void RecordedWriter::send_batch(TextClient& client) {
  std::string requests;
  const auto writes = 1 + random_() % batch_max;
  for (std::size_t number = 1; number <= writes; ++number) {
    auto write = draw(number < writes);  // the last one is answered
    requests += write.request;
    if (!write.key.empty()) tip_[write.key] = write.after;
    if (write.key.empty()) ++share_.raises_sent;
    unsure_.push_back(std::move(write));
  }
  client.send(requests);
}

void RecordedWriter::take_answers(TextClient& client) {
  std::size_t place = 0;
  while (place < unsure_.size()) {
    if (!unsure_[place].answered) {
      ++place;
      continue;
    }
    const auto answer = client.read_line();
    share_.newest_answer_ns = steady_ns();
    ++share_.answers;
    const auto& write = unsure_[place];
    const bool right =
        write.answer.empty() ? answer.find_first_not_of("0123456789") == std::string::npos : answer == write.answer;
    if (!right) {
      failure_ =
          fmt::format("{} was answered with {}, expected was {}", write.request.substr(0, 60), answer, write.answer);
      return;
    }
    acknowledge(place + 1);
    place = 0;
  }
}

void RecordedWriter::acknowledge(std::size_t writes) {
  for (std::size_t number = 0; number < writes; ++number) {
    const auto& write = unsure_[number];
    if (write.key.empty()) ++share_.raises_answered;
    if (!write.key.empty()) known_[write.key] = write.after;
  }
  unsure_.erase(unsure_.begin(), unsure_.begin() + static_cast<std::ptrdiff_t>(writes));
}

RecordedWriter::Write RecordedWriter::draw(bool may_be_silent) {
  const auto dice = random_() % 100;
  if (dice < 10) return raise_shared();
  const auto number = random_() % keys;
  const auto key = own_key(number);
  const auto before = tip_[key];
  if (number >= numbers_from) return raise(key, before);
  if (dice < 25 && before.present) return remove(key, before, may_be_silent);
  if (dice < 40 && before.present) return compare_and_store(key, before);
  if (dice < 50 && before.present) return touch(key, before);
  return store(key, before, may_be_silent);
}

// Tells which write it was, so that a half of one and a half of another are noticed.
void RecordedWriter::fill(Known& known, const std::string& key) {
  known.present = true;
  known.item.data = fmt::format("{}:{}:", key, ++numbered_);
  known.item.data.resize(known.item.data.size() + random_() % data_bytes_max, static_cast<char>('a' + numbered_ % 26));
  known.item.flags = static_cast<std::uint32_t>(random_());
  known.item.expire_s = random_() % 2 == 0 ? 0 : far_future_s + static_cast<std::int64_t>(numbered_);
  ++known.item.version;
}

RecordedWriter::Write RecordedWriter::store(const std::string& key, const Known& before, bool may_be_silent) {
  Write write{.key = key, .after = before};
  fill(write.after, key);
  write.answered = !may_be_silent || random_() % 3 != 0;
  const auto& item = write.after.item;
  write.request = fmt::format("set {} {} {} {}{}\r\n{}\r\n", key, item.flags, item.expire_s, item.data.size(),
                              write.answered ? "" : " noreply", item.data);
  write.answer = "STORED";
  return write;
}

RecordedWriter::Write RecordedWriter::compare_and_store(const std::string& key, const Known& before) {
  Write write{.key = key, .after = before};
  if (random_() % 4 == 0) {  // of an older version
    write.request = fmt::format("cas {} 0 0 1 {}\r\nx\r\n", key, before.item.version + 1000);
    write.answer = "EXISTS";
    return write;
  }
  fill(write.after, key);
  const auto& item = write.after.item;
  write.request = fmt::format("cas {} {} {} {} {}\r\n{}\r\n", key, item.flags, item.expire_s, item.data.size(),
                              before.item.version, item.data);
  write.answer = "STORED";
  return write;
}

RecordedWriter::Write RecordedWriter::touch(const std::string& key, const Known& before) {
  Write write{.key = key, .after = before, .answer = "TOUCHED"};
  write.after.item.expire_s = far_future_s + static_cast<std::int64_t>(++numbered_);
  write.request = fmt::format("touch {} {}\r\n", key, write.after.item.expire_s);
  return write;
}

RecordedWriter::Write RecordedWriter::remove(const std::string& key, const Known& before, bool may_be_silent) {
  Write write{.key = key, .after = before, .answer = "DELETED"};
  write.after.present = false;
  write.answered = !may_be_silent || random_() % 3 != 0;
  write.request = fmt::format("delete {}{}\r\n", key, write.answered ? "" : " noreply");
  return write;
}

RecordedWriter::Write RecordedWriter::raise(const std::string& key, const Known& before) {
  Write write{.key = key, .after = before};
  ++write.after.item.version;
  if (!before.present) {
    write.after.present = true;
    write.after.item = {.data = "0", .version = write.after.item.version};
    write.request = fmt::format("set {} 0 0 1\r\n0\r\n", key);
    write.answer = "STORED";
    return write;
  }
  const auto by = random_() % 1000;
  write.after.item.data = std::to_string(std::stoull(before.item.data) + by);
  write.request = fmt::format("incr {} {}\r\n", key, by);
  write.answer = write.after.item.data;
  return write;
}

RecordedWriter::Write RecordedWriter::raise_shared() { return {.request = fmt::format("incr {} 1\r\n", shared_key)}; }

// Stored anew, and asked for.
void RecordedWriter::learn_versions(TextClient& client) {
  for (const auto& key : forgotten_) {
    const auto stored = client.ask(fmt::format("set {} 0 0 1\r\n0", key));
    const auto answer = client.ask_all("gets " + key);
    if (stored != "STORED" || answer.size() != 3) throw std::runtime_error(key + ": cannot be stored anew: " + stored);
    const auto version = std::stoull(answer[0].substr(answer[0].rfind(' ')));
    tip_[key] = known_[key] = {.present = true, .item = {.data = "0", .version = version}};
  }
  forgotten_.clear();
}

std::string RecordedWriter::difference(const Account& account, const StoredItems& stored) {
  std::size_t present = 0;
  for (const auto& [key, known] : account) {
    const auto found = stored.find(key);
    if (!known.present && found != stored.end()) return key + " is there, but was deleted";
    if (!known.present) continue;
    ++present;
    if (found == stored.end()) return key + " is lost";
    if (found->second != known.item) {
      return fmt::format("{} holds version {} ({}), expected is {} ({})", key, found->second.version,
                         found->second.data.substr(0, 40), known.item.version, known.item.data.substr(0, 40));
    }
  }
  return present == stored.size() ? "" : "there are records that nobody has written";
}

std::string RecordedWriter::settle(const StoredItems& stored) {
  StoredItems own;
  for (auto item = stored.lower_bound(prefix_); item != stored.end() && item->first.starts_with(prefix_); ++item) {
    own.insert(*item);
  }
  const auto lost = difference(known_, own);
  auto account = known_;
  std::size_t fitting = lost.empty() ? 1 : 0;
  auto fits = account;
  std::set<std::string> written;
  for (const auto& write : unsure_) {
    if (write.key.empty()) continue;
    account[write.key] = write.after;
    written.insert(write.key);
    if (!difference(account, own).empty()) continue;
    fits = account;
    ++fitting;
  }
  const auto sent = unsure_.size();
  unsure_.clear();
  if (fitting == 0) return fmt::format("{}: no beginning of the {} writes in flight fits: {}", prefix_, sent, lost);
  known_ = tip_ = fits;
  for (const auto& key : written) {
    if (!known_[key].present) forgotten_.insert(key);
  }
  return {};
}

}  // namespace flare::test
