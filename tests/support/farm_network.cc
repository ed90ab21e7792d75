#include "support/farm_network.h"

#include <sstream>
#include <stdexcept>

namespace flare::test {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

void must(const std::string& line, const std::string& network = {}) {
  const auto outcome = run(words_of(line), Milliseconds{20'000}, network);
  if (outcome.ending.code != 0) throw std::runtime_error(line + ": " + outcome.errors + outcome.output);
}

std::string network_of_process(pid_t pid) { return "/proc/" + std::to_string(pid) + "/ns/net"; }

bool has_own_network(pid_t pid) {
  std::error_code error;
  const auto theirs = std::filesystem::read_symlink(network_of_process(pid), error);
  return !error && theirs != std::filesystem::read_symlink("/proc/self/ns/net");
}

}  // namespace

FarmNetwork::FarmNetwork(const std::string& gateway, const std::vector<std::string>& hosts) {
  must("ip link add farm type bridge");
  must("ip addr add " + gateway + "/24 dev farm");
  must("ip link set farm up");
  for (std::size_t number = 0; number < hosts.size(); ++number) add_host(hosts[number], number);
}

void FarmNetwork::add_host(const std::string& host, std::size_t number) {
  const auto [holder, added] = holders_.emplace(host, Process{{.words = words_of("unshare --net sleep infinity")}});
  const auto pid = holder->second.pid();
  if (!eventually([&] { return has_own_network(pid); })) throw std::runtime_error("unshare --net does not work here");
  const auto network = network_of(host);
  const auto link = links_.emplace(host, "cable" + std::to_string(number)).first->second;
  must("ip link add " + link + " type veth peer name eth0 netns " + std::to_string(pid));
  must("ip link set " + link + " master farm up");
  must("ip link set lo up", network);
  must("ip addr add " + host + "/24 dev eth0", network);
  must("ip link set eth0 up", network);
}

std::string FarmNetwork::network_of(const std::string& host) const {
  return network_of_process(holders_.at(host).pid());
}

void FarmNetwork::cut(const std::string& host) const { must("ip link set " + links_.at(host) + " down"); }
void FarmNetwork::mend(const std::string& host) const { must("ip link set " + links_.at(host) + " up"); }

// Frames go to a network card that nobody has.
void FarmNetwork::cut_path(const std::string& from, const std::string& to) const {
  must("ip neigh replace " + to + " lladdr 02:00:00:00:00:01 dev eth0 nud permanent", network_of(from));
}

void FarmNetwork::mend_path(const std::string& from, const std::string& to) const {
  must("ip neigh del " + to + " dev eth0", network_of(from));
}

void FarmNetwork::add_address(const std::string& address) const { must("ip addr add " + address + "/24 dev farm"); }

}  // namespace flare::test
