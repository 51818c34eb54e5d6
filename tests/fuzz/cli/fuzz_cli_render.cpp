#include <cstdint>
#include <cstdlib>

#include "cli/render.h"
#include "contract/codec.h"

// Whatever a daemon (or somebody in its place) answers: it is shown without a crash, and without one control byte of its own
// reaching the terminal. The first two bytes are the terminal's size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace aerostat;
    using namespace aerostat::cli;
    if (size < 2) return 0;
    const Look look{false, data[0], data[1]};
    const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto reply = decode_reply(rest);
    std::string text = render_reply(Command::status, reply ? reply->body : ReplyBody(), look);
    for (const auto& [name, work] : parse_work(rest)) text += work;
    if (reply) {
        text += render_reply(Command::jvms, reply->body, look);
        if (const auto* status = std::get_if<StatusView>(&reply->body)) text += render_top(*status, parse_work(rest), look);
    }
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();
    }
    return 0;
}
