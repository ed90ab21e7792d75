#include "support/chaos_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace flare::test {
namespace {

constexpr std::uint64_t shared_registers = 5;
constexpr std::uint64_t shared_counters = 3;
constexpr std::uint64_t requests_at_once_max = 4;
constexpr std::uint64_t exchanges_of_a_connection = 100;
constexpr std::uint64_t padding_max = 200;
// Numbers of a client's own counter are its own, modulo this.
constexpr std::uint64_t stride = 1000;

std::uint64_t trailing_number(const std::string& text, char mark) {
  const auto at = text.find(mark);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 1, nullptr, 10);
}

char kind_of(const std::string& key) { return key.at(key.find('-') + 1); }

}  // namespace

void KeySets::begin(bool calm) {
  const std::lock_guard lock{mutex_};
  calm_.push_back(calm);
  begin_next();
}

void KeySets::begin_next() {
  operations_ = 0;
  now_ = static_cast<int>(calm_.size()) - 1;
}

void KeySets::count(int operations) {
  if ((operations_ += operations) < operations_max) return;
  const std::lock_guard lock{mutex_};
  if (operations_ < operations_max) return;  // another client was quicker
  calm_.push_back(calm_.back());
  begin_next();
}

bool KeySets::was_calm(int set) const {
  const std::lock_guard lock{mutex_};
  return calm_.at(static_cast<std::size_t>(set));
}

int KeySets::set_of(const std::string& key) { return static_cast<int>(trailing_number(key, 's')); }

ChaosClient::ChaosClient(Plan plan, KeySets& sets)
    : plan_{std::move(plan)}, sets_{sets}, random_{plan_.seed}, thread_{[this] { run(); }} {}

ChaosClient::~ChaosClient() { stop(); }

void ChaosClient::stop() {
  ended_ = true;
  if (thread_.joinable()) thread_.join();
}

std::uint64_t ChaosClient::number_of(const std::string& value) { return trailing_number(value, '#'); }
bool ChaosClient::is_own_register(const std::string& key) { return kind_of(key) == 'o'; }

void ChaosClient::run() {
  while (!ended_) {
    set_in_use_ = sets_.now();
    try {
      if (connect()) exchange();
    } catch (const std::runtime_error&) {
      give_up();
    }
    std::this_thread::sleep_for(Milliseconds{1 + below(5)});  // the load: not too much for histories to be judged
  }
}

// Now and then another node; some have no patience for a failover, some do.
bool ChaosClient::connect() {
  if (connection_ && exchanges_left_-- > 0) return true;
  const auto& node = plan_.nodes.at(below(plan_.nodes.size()));
  connection_.emplace(node, plan_.from, Milliseconds{1'000 + below(5'000)});
  node_ = key_of(node);
  exchanges_left_ = 1 + below(exchanges_of_a_connection);
  return true;
}

void ChaosClient::exchange() {
  std::string bytes;
  std::vector<std::string> used;
  const auto requests = 1 + below(requests_at_once_max);
  for (std::uint64_t number = 0; number < requests; ++number) {
    open_.push_back(draw(used));
    bytes += bytes_of(open_.back().operation, open_.back().form, open_.back().tag);
  }
  for (auto& request : open_) request.operation.start = moment_now();
  sets_.count(static_cast<int>(requests));
  connection_->send(bytes);
  while (!open_.empty()) {
    take(open_.front());
    open_.erase(open_.begin());
  }
}

void ChaosClient::take(Request& request) {
  auto& operation = request.operation;
  const auto wrong = read_answer(*connection_, operation, request.form, request.tag);
  operation.end = moment_now();
  const auto complaint = wrong.empty() ? complaint_of(operation) : wrong;
  if (!complaint.empty()) {
    foreign_.push_back(operation.node + ", " + operation.key + ": " + complaint);
    throw std::runtime_error("out of step");
  }
  if (operation.action == Action::get && operation.told == Told::value) shown_[operation.key] = operation;
  if (operation.told != Told::unknown && operation.told != Told::not_done) ++answered_;
  operations_.push_back(operation);
}

void ChaosClient::give_up() {
  for (auto& request : open_) {
    request.operation.end = moment_now();
    operations_.push_back(request.operation);
  }
  open_.clear();
  connection_.reset();
}

ChaosClient::Request ChaosClient::draw(std::vector<std::string>& used) {
  std::string key;
  do {
    key = draw_key();
  } while (std::find(used.begin(), used.end(), key) != used.end());
  used.push_back(key);
  const auto kind = kind_of(key);
  const bool own = kind == 'o' || kind == 'c';
  auto operation = kind == 'r' || kind == 'o' ? draw_register(key, own) : draw_counter(own);
  operation.client = plan_.number;
  operation.key = key;
  operation.node = node_;
  return {std::move(operation), below(2) == 0 ? Form::classic : Form::meta,
          fmt::format("{}.{}", plan_.number, ++numbered_)};
}

// `s12-r3`: of set 12, a register; n: a counter; o, c: those of a client, which others only read.
std::string ChaosClient::draw_key() {
  const auto prefix = fmt::format("s{}-", set_in_use_.load());
  const auto dice = below(20);
  if (dice < 9) return fmt::format("{}r{}", prefix, below(shared_registers));
  if (dice < 13) return fmt::format("{}n{}", prefix, below(shared_counters));
  if (dice < 16) return fmt::format("{}o{}", prefix, plan_.number);
  if (dice < 18) return fmt::format("{}c{}", prefix, plan_.number);
  return fmt::format("{}o{}", prefix, below(static_cast<std::uint64_t>(plan_.clients)));
}

Operation ChaosClient::draw_register(const std::string& key, bool own) {
  Operation operation;
  operation.value = fmt::format("{}:{}#{}.", key, plan_.number, ++numbered_);
  operation.value.append(below(padding_max), static_cast<char>('a' + numbered_ % 26));
  const auto dice = below(10);
  const bool mine = key.ends_with(fmt::format("o{}", plan_.number));
  if (own) {
    operation.action = mine && dice < 6 ? Action::set : Action::get;
    return operation;
  }
  const auto seen = shown_.find(key);
  if (dice < 2) operation.action = Action::set;
  if (dice == 2) operation.action = Action::add;
  if (dice == 3) operation.action = Action::remove;
  if (dice > 3 && dice < 7 && seen != shown_.end()) {
    operation.action = Action::cas;
    operation.expected = seen->second.answer;
    operation.version = seen->second.version;
  }
  return operation;
}

Operation ChaosClient::draw_counter(bool own) {
  Operation operation;
  const auto dice = below(20);
  if (own) {
    operation.action = dice < 16 ? Action::incr : Action::add;
    operation.by = stride * (1 + below(5));
    operation.value = std::to_string(plan_.number);
    return operation;
  }
  operation.action = dice < 14 ? Action::incr : Action::get;
  operation.by = 1 + below(100);
  if (dice == 17 || dice == 18) operation.action = Action::add;
  if (dice == 19) operation.action = Action::remove;
  operation.value = std::to_string(100 * numbered_);
  return operation;
}

// What the answer shows must be of this key.
std::string ChaosClient::complaint_of(const Operation& operation) const {
  if (operation.told != Told::value && operation.told != Told::number) return {};
  const auto kind = kind_of(operation.key);
  const auto& shown = operation.answer;
  if (kind == 'r' || kind == 'o') return shown.starts_with(operation.key + ":") ? std::string{} : to_text(operation);
  if (shown.empty() || shown.find_first_not_of("0123456789") != std::string::npos) return to_text(operation);
  const bool own_number = std::stoull(shown) % stride == static_cast<std::uint64_t>(plan_.number);
  return kind == 'c' && !own_number ? to_text(operation) : std::string{};
}

}  // namespace flare::test
