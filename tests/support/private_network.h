#pragma once

namespace flare::test {

/// Puts the calling thread and all its later children into an empty network of their own with 127.0.0.0/8 up:
/// every port is free there, so a golden file is replayed with the addresses it was recorded with, and tests run
/// side by side. Needs root or user namespaces. The network goes when its last process does.
void enter_private_network();

/// Puts the process into a mount table of its own with a /dev that has only the usual devices and no log socket.
void enter_private_dev();

}  // namespace flare::test
