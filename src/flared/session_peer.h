#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/net/connection_places.h"
#include "flared/recent_writes.h"

namespace flare {

/// What a session knows of who is at the other end (docs/design.md 5). Belongs to its session.
struct SessionPeer {
  enum class Standing : std::uint8_t {
    client,         // anybody: no hello was said
    kin,            // a daemon of this cluster, by its hello
    foreign,        // a daemon of another one: nothing is done for it
    foreign_index,  // brought another cluster's map: not told that all is well until it brings a good one
  };

  std::string address;  // address:port
  Standing standing = Standing::client;
  Place place = Place::client;
  bool place_asked = false;  // as an original's daemon, which is asked once only
  int failed_logins = 0;
  bool trial_heard = false;                     // on trial: it has said something that an index says
  std::unique_ptr<RecentWrites> recent_writes;  // made with the first write that goes to another node
};

}  // namespace flare
