#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace flare {

/// A value, or why there is none. For expected failures; exceptions are for a failed start only.
template <class T, class E = boost::system::error_code>
class [[nodiscard]] Result : public boost::system::result<T, E> {
 public:
  using boost::system::result<T, E>::result;
};

}  // namespace flare
