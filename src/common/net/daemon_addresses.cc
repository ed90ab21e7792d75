#include "common/net/daemon_addresses.h"

#include <boost/asio/ip/tcp.hpp>
#include <utility>

namespace flare {

void DaemonAddresses::learn(Names names) {
  addresses_ = std::make_shared<Names>();
  for (const auto& name : names) {
    error_code error;
    const auto address = asio::ip::make_address(name, error);
    error ? look_up(name) : static_cast<void>(addresses_->insert(address.to_string()));
  }
  places_.know(*addresses_);
}

// An answer for names that are not the present ones any more is dropped.
void DaemonAddresses::look_up(const std::string& name) {
  using Resolver = asio::ip::basic_resolver<asio::ip::tcp, IoExecutor>;
  const auto resolver = std::make_shared<Resolver>(executor_);
  resolver->async_resolve(name, "",
                          [this, resolver, addresses = addresses_](const error_code& error, const auto& found) {
                            if (error || addresses != addresses_) return;
                            for (const auto& entry : found) addresses->insert(entry.endpoint().address().to_string());
                            places_.know(*addresses);
                          });
}

}  // namespace flare
