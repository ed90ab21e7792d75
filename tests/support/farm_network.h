#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/process.h"

namespace flare::test {

/// Hosts with addresses of their own, each in a network namespace, joined by a bridge in the test's (private) network.
/// The namespaces have no names and go with the processes that hold them. Needs enter_private_network() before.
class FarmNetwork {
 public:
  /// `gateway` is the test's own address in the farm; all addresses are in one /24.
  FarmNetwork(const std::string& gateway, const std::vector<std::string>& hosts);

  /// What Command::network wants.
  [[nodiscard]] std::string network_of(const std::string& host) const;
  void cut(const std::string& host) const;
  void mend(const std::string& host) const;
  /// What `from` sends to `to` is lost silently, as on a broken path; the other direction stays. `to` may be any
  /// address on the test's own side.
  void cut_path(const std::string& from, const std::string& to) const;
  void mend_path(const std::string& from, const std::string& to) const;
  /// Gives the test's own side of the farm one more address.
  void add_address(const std::string& address) const;

 private:
  void add_host(const std::string& host, std::size_t number);

  std::map<std::string, Process> holders_;
  std::map<std::string, std::string> links_;  // host -> the bridge's end of its cable
};

}  // namespace flare::test
