#include "support/tenants.h"

#include <stdexcept>

namespace flare::test {
namespace {

constexpr int keys_count = 20;

ClusterPlan plan_of(const std::filesystem::path& folder, const std::string& tenant, bool named, Address index,
                    std::vector<Address> nodes) {
  ClusterPlan plan;
  plan.folder = folder / tenant;
  plan.tenant = named ? tenant : "";
  plan.index = std::move(index);
  plan.nodes = std::move(nodes);
  plan.bind_addresses = true;
  return plan;
}

void fill(Cluster& cluster, const std::string& tenant) {
  cluster.start();
  cluster.make_master(Tenants::master);
  const auto store = [&] {
    TextClient client{cluster.node(Tenants::master)};
    for (int number = 0; number < keys_count; ++number) {
      client.send("set key" + std::to_string(number) + " 0 0 6\r\n" + tenant + "\r\n");
      if (client.read_line() != "STORED") return false;
    }
    return true;
  };
  if (!eventually(store)) throw std::runtime_error("no key can be stored for " + tenant);
}

}  // namespace

Tenants::Tenants(bool named)
    : a_{plan_of(folder_.path(), "user-a", named, {"127.0.0.1", 12120}, {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}})},
      b_{plan_of(folder_.path(), "user-b", named, {"127.0.0.1", 13120}, {{"127.0.0.1", 13121}})} {
  fill(a_, "user-a");
  fill(b_, "user-b");
  at_start_ = state();
}

std::filesystem::path Tenants::folder(const std::string& name) const {
  std::filesystem::create_directories(folder_ / name);
  return folder_ / name;
}

std::string Tenants::state_of(Cluster& cluster) {
  std::string text = "cluster " + cluster_id_of(cluster.index()) + "\n";
  for (const auto& [key, view] : cluster.map()) {
    text += key + ' ' + view.role + ' ' + view.state + ' ' + view.partition + ' ' + view.balance + ' ' +
            view.thread_type + '\n';
  }
  try {
    TextClient client{cluster.node(master)};
    for (int number = 0; number < keys_count; ++number) {
      for (const auto& line : client.ask_all("gets key" + std::to_string(number))) text += line + '\n';
    }
  } catch (const std::runtime_error& error) {
    text += error.what();
  }
  text += read_file(cluster.data_of(cluster.index()) / "identity");
  for (const auto& node : cluster.plan().nodes) text += read_file(cluster.data_of(node) / "identity");
  return text;
}

std::string Tenants::state() { return state_of(a_) + state_of(b_); }

bool Tenants::undisturbed() {
  return eventually([this] { return state() == at_start_; });
}

std::string cluster_id_of(const Address& index) {
  constexpr std::string_view begin = "META cluster-id ";
  try {
    for (const auto& line : TextClient{index}.ask_all("meta")) {
      if (line.starts_with(begin)) return line.substr(begin.size());
    }
  } catch (const std::runtime_error&) {
  }
  return {};
}

std::map<std::string, std::string> files_of(const std::filesystem::path& data_dir) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{data_dir}) {
    const auto name = entry.path().lexically_relative(data_dir).string();
    if (!entry.is_regular_file() || name == "lock" || entry.path().extension() == ".pid") continue;
    files[name] = read_file(entry.path());
  }
  return files;
}

Outcome start_of(const std::string& name, const Cluster& cluster, const Address& daemon,
                 const std::vector<std::string>& more_words) {
  std::vector<std::string> words{program(name), "-f", cluster.config_of(daemon), "--stderr"};
  words.insert(words.end(), more_words.begin(), more_words.end());
  return run(std::move(words));
}

}  // namespace flare::test
