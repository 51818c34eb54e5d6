#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace aerostat {

/// What went wrong, by what a caller could do about it.
enum class ErrorCode {
    bad_value,     ///< what was given is malformed or out of range; giving it again will fail again
    not_found,     ///< the named thing does not exist (any more)
    refused,       ///< understood, but a rule forbids it now; the message says which
    denied,        ///< the caller has not the right to ask this
    unsupported,   ///< this build, collector, kernel or backend cannot do it
    busy,          ///< somebody else holds it; may work later
    timed_out,     ///< a deadline passed
    disconnected,  ///< the peer went away
    io,            ///< the operating system refused; the message carries errno's text
    internal,      ///< a broken invariant of ours
};

/// An error as a value: a code for programs, a sentence for people.
struct [[nodiscard]] Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The error with what was being done in front: "reading the config: line 3: …". The code stays.
[[nodiscard]] inline tl::unexpected<Error> while_doing(std::string_view action, Error error) {
    error.message.insert(0, std::string(action) + ": ");
    return tl::unexpected<Error>(std::move(error));
}

/// The wire and `--json` name of a code ("bad-value", "timed-out", …).
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// An `io` error from errno: "ACTION: No such file or directory".
[[nodiscard]] Error error_from_errno(std::string_view action, int error_number);

}  // namespace aerostat
