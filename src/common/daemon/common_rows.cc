#include "common/daemon/common_rows.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "common/daemon/door_options.h"
#include "common/daemon/privileges.h"

namespace flare {
namespace {

namespace fs = std::filesystem;

// The name that the host knows itself by, as the original (daemons.md 1.2); "localhost" if it has none.
std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name.data(), nullptr, &hints, &found) != 0) return name.data();
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  return found->ai_canonname ? found->ai_canonname : name.data();
}

struct Finisher {
  std::string_view program;
  const GivenOptions& given;

  // A refusal of a value that was given, or of a default (then without value and line).
  StartFailure refuse(std::string_view name, std::string_view reason) const {
    const auto* option = winning(given, name);
    return {ExitCode::configuration, option ? option_message(program, given.config_path, *option, reason)
                                            : fmt::format("{}: option '{}': {}", program, name, reason)};
  }

  // Relative directories are resolved once, here: two tenants started in different places must not share them
  // (design.md 5).
  std::optional<StartFailure> data_dir(std::string& path) const {
    if (path.empty()) return refuse("data-dir", "is required: the directory where this daemon keeps its files");
    std::error_code error;
    auto resolved = fs::canonical(path, error);
    if (error) return refuse("data-dir", error.message() + "; create the directory first");
    if (!fs::is_directory(resolved, error)) return refuse("data-dir", "is not a directory");
    if (::access(resolved.c_str(), W_OK | X_OK) != 0) return refuse("data-dir", "this account may not write there");
    path = resolved.string();
    return std::nullopt;
  }

  // A file to be made: its folder must be there.
  std::optional<StartFailure> new_file(std::string_view name, std::string& path) const {
    std::error_code error;
    const auto full = fs::absolute(path, error).lexically_normal();
    if (error) return refuse(name, error.message());
    if (!fs::is_directory(full.parent_path(), error)) {
      return refuse(name, "directory '" + full.parent_path().string() + "' does not exist");
    }
    if (fs::is_directory(full, error)) return refuse(name, "is a directory, name the file in it");
    path = full.string();
    return std::nullopt;
  }

  std::optional<StartFailure> socket(std::string& path) const {
    if (path.empty()) return std::nullopt;
    if (auto failure = new_file("server-socket", path)) return failure;
    constexpr auto path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
    if (path.size() <= path_bytes_max) return std::nullopt;
    return refuse("server-socket", fmt::format("the whole path has more than {} bytes", path_bytes_max));
  }

  // Relative names are resolved once: a daemon in the background has another folder.
  std::optional<StartFailure> tls(CommonOptions& options) const {
    for (auto* file : {&options.tls_certificate, &options.tls_key, &options.tls_ca}) {
      if (!file->empty()) *file = fs::absolute(*file).lexically_normal().string();
    }
    const bool at_doors =
        std::any_of(options.doors.begin(), options.doors.end(), [](const auto& door) { return door.second.tls; });
    const std::string_view asked_by = options.cluster_tls ? "cluster-tls" : "door.NAME.tls";
    if (options.tls_certificate.empty() != options.tls_key.empty()) {
      const bool key = options.tls_key.empty();
      return refuse(key ? "tls-key" : "tls-certificate",
                    fmt::format("is required beside {}", key ? "tls-certificate" : "tls-key"));
    }
    if ((at_doors || options.cluster_tls) && options.tls_certificate.empty()) {
      return refuse("tls-certificate", fmt::format("is required with {}, and tls-key too", asked_by));
    }
    if (options.cluster_tls && options.tls_ca.empty()) {
      return refuse("tls-ca", "is required with cluster-tls: whose certificates the daemons of this cluster have");
    }
    return std::nullopt;
  }

  std::optional<StartFailure> accounts(const CommonOptions& options) const {
    if (!options.user.empty() && !user_exists(options.user)) return refuse("user", "there is no such user");
    if (!options.group.empty() && !group_exists(options.group)) return refuse("group", "there is no such group");
    return std::nullopt;
  }
};

}  // namespace

const GivenOption* winning(const GivenOptions& given, std::string_view name) {
  for (const auto* source : {&given.command_line, &given.file}) {
    const auto found =
        std::find_if(source->begin(), source->end(), [&](const auto& option) { return option.name == name; });
    if (found != source->end()) return &*found;
  }
  return nullptr;
}

Reason check_server_name(std::string_view text) {
  constexpr std::size_t name_bytes_max = 255;
  const auto printable_byte = [](char byte) { return byte > 0x20 && byte < 0x7f; };
  if (!text.empty() && text.size() <= name_bytes_max && std::all_of(text.begin(), text.end(), printable_byte))
    return {};
  return "must be a host name or address without blanks, of 1 to 255 bytes";
}

Reason check_bind_address(std::string_view text) {
  in6_addr address{};
  const std::string word(text);
  if (text.empty() || ::inet_pton(AF_INET, word.c_str(), &address) == 1) return {};
  if (::inet_pton(AF_INET6, word.c_str(), &address) == 1) return {};
  return "must be a numeric IPv4 or IPv6 address, or empty for all";
}

Reason check_account_name(std::string_view text) {
  if (text.find_first_of(" \t:") == std::string_view::npos) return {};
  return "must be the name of an account, without blanks and ':'";
}

Reason check_tenant(std::string_view text) {
  if (text.empty() || is_tenant_name(text)) return {};
  return "must be a name of a-z, 0-9 and '-', not beginning with '-', of at most 63 bytes";
}

Reason check_log_facility(std::string_view text) {
  if (text == "auth" || text == "daemon" || text == "user") return {};
  if (text.size() == 6 && text.starts_with("local") && text.back() >= '0' && text.back() <= '7') return {};
  return "must be one of auth, daemon, user, local0 to local7";
}

Reason check_path(std::string_view text) {
  if (text.empty()) return "must be a path";
  return {};
}

std::optional<StartFailure> finish_common(std::string_view program, const GivenOptions& given, CommonOptions& options) {
  const Finisher finisher{program, given};
  if (auto failure = finisher.data_dir(options.data_dir)) return failure;
  if (options.pid_path.empty()) options.pid_path = options.data_dir + "/" + std::string(program) + ".pid";
  if (auto failure = finisher.new_file("pid", options.pid_path)) return failure;
  if (auto failure = finisher.socket(options.server_socket)) return failure;
  if (auto failure = finisher.accounts(options)) return failure;
  if (auto failure = finish_doors(program, given, options)) return failure;
  if (!options.auth_file.empty()) options.auth_file = fs::absolute(options.auth_file).lexically_normal().string();
  if (auto failure = finisher.tls(options)) return failure;
  if (!options.config_path.empty()) options.config_path = fs::absolute(options.config_path).lexically_normal().string();
  if (options.server_name.empty()) options.server_name = host_name();
  return std::nullopt;
}

}  // namespace flare
