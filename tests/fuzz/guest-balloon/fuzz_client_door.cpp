// What any program of the guest can send to client.sock: bytes -> lines ->
// messages -> the book of reclaimers, with memory being short and time passing.
// Whatever comes, the book stays bounded and what is asked for can be encoded.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "contract/line_framer.h"
#include "guest-balloon/decide/reclaimer_book.h"
#include "guest-balloon/link/client_dialogue.h"
#include "guest-balloon/link/pressure_door.h"
#include "tests/fuzz/check.h"

using namespace aerostat;
using namespace aerostat::guest;

namespace {

class Door {
public:
    /// The first byte of each chunk chooses the connection and what happens
    /// besides.
    void feed(std::string_view chunk, std::uint8_t choice) {
        const ConnectionId from = choice & 3U;
        framers_[from].feed(chunk, [&](std::string_view line) { hear(from, line); });
        (void)level_written(chunk);
        if (choice & 4U) ask(Bytes(1ULL << (choice >> 3U)));
        if (choice & 64U) book_.lost(from);
        if (choice & 8U) look(Bytes(1ULL << (choice >> 3U)));
        clock_.advance(std::chrono::milliseconds((choice >> 4U) * 300));
    }

private:
    void hear(ConnectionId from, std::string_view line) {
        const auto envelope = read_from_application(line);
        if (!envelope) return;
        const Message& body = envelope->body;
        if (const auto* figures = std::get_if<ReclaimerFigures>(&body))
            (void)book_.put(from, ProcessIdentity{static_cast<pid_t>(from), 7, static_cast<uid_t>(from / 2)}, *figures);
        if (const auto* forget = std::get_if<ForgetReclaimer>(&body)) book_.forget(from, forget->reclaimer);
        if (const auto* answer = std::get_if<Reclaimed>(&body)) book_.answered(from, envelope->id, *answer, clock_.now());
        FUZZ_CHECK(!std::holds_alternative<Hello>(body) && !std::holds_alternative<SetHeapTarget>(body));
        FUZZ_CHECK(book_.size() <= ReclaimerLimits{}.in_all);
    }
    void ask(Bytes wanted) {
        Bytes sum;
        for (const AskReclaimer& request : book_.ask(wanted, clock_.now() + std::chrono::seconds(2), clock_.now())) {
            FUZZ_CHECK(encode(Envelope{request.id, request.order}).has_value());
            sum += request.order.wanted;
        }
        // Of whom an eighth comes of what is asked, eight times as much is asked.
        FUZZ_CHECK(sum <= wanted * 9);
    }
    void look(Bytes held) {
        book_.look([held](pid_t process) { return process == 3 ? std::nullopt : std::optional(held); }, clock_.now());
        const CostCurve offers = book_.offers({1});
        FUZZ_CHECK(offers.ceiling() <= held * 2 && offers.floor() == Bytes());  // two processes count
    }

    ManualClock clock_;
    ReclaimerBook book_;
    LineFramer framers_[4];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Door door;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    // A chunk is a choice byte, then text up to and with a NUL.
    while (!rest.empty()) {
        const auto choice = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        const std::string_view chunk = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), chunk.size() + 1));
        door.feed(chunk, choice);
    }
    return 0;
}
