#pragma once

#include <string>
#include <string_view>

#include "contract/control.h"
#include "contract/messages.h"

// JSON lines, version 1: {"v":1,"type":…,"id":…,…}. Total over any input: every byte string gives a value or an error,
// never an exception, an allocation beyond a few times the line, or a value outside the documented bounds.
namespace aerostat {

inline constexpr int kWireVersion = 1;

/// One line without its newline. Fails (`bad_value`) with a sentence naming the field; `unsupported` for an unknown type or
/// another version, in which case the peer deserves an `error` answer.
[[nodiscard]] Result<Envelope> decode_message(std::string_view line);
[[nodiscard]] Result<ControlRequest> decode_request(std::string_view line);
[[nodiscard]] Result<ControlReply> decode_reply(std::string_view line);

/// One line with its newline. Fails (`bad_value`) if the value breaks a bound (a name, a count) or would not fit a line:
/// such a message must not be sent, and its peer could not read it.
[[nodiscard]] Result<std::string> encode(const Envelope& message);
[[nodiscard]] Result<std::string> encode(const ControlRequest& request);
/// One or more lines: a reply whose lists do not fit one line is cut into parts (ControlReply::more).
[[nodiscard]] Result<std::string> encode(const ControlReply& reply);

/// The reply's body as a JSON document for `--json`: the wire's field names, without the envelope.
[[nodiscard]] std::string body_as_json(const ReplyBody& body, int indent);

/// An error as a JSON document for `--json`: {"error":{"code":…,"message":…}}.
[[nodiscard]] std::string error_as_json(const Error& error, int indent);

/// The envelope id of a line that did not decode, if one can be read: to address the error answer. Empty otherwise.
[[nodiscard]] std::string id_of_malformed(std::string_view line);

}  // namespace aerostat
