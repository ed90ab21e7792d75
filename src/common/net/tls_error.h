#pragma once

#include <boost/system/error_code.hpp>

namespace flare {

/// Failures of TLS as error codes: their messages are the library's reasons.
const boost::system::error_category& tls_category();

/// Of the library's queue, which is emptied. No error: there was none.
boost::system::error_code last_tls_error();
/// Why a certificate was refused: one of the library's X509_V_ERR_.
boost::system::error_code refused_certificate(long verdict);

inline bool is_tls_failure(const boost::system::error_code& error) { return error.category() == tls_category(); }

}  // namespace flare
