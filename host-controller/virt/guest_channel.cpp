#include "host-controller/virt/guest_channel.h"

#include "contract/codec.h"
#include "contract/names.h"
#include "host-controller/backend/guest_messages.h"

namespace aerostat::host::virt {
namespace {

constexpr Millis kLease{30'000};
constexpr Duration kGoodAfter = std::chrono::seconds(1);  // a guest that stayed this long is dialled again at once
constexpr Duration kPointOutEvery = std::chrono::seconds(1);
// Each hello makes the host forget the guest and meet it again: more of them than a restarting guestd can bring is a flood.
constexpr std::size_t kMostHellos = 20;
constexpr Duration kHellosWithin = std::chrono::seconds(10);

}  // namespace

GuestChannel::GuestChannel(asio::io_context& loop, std::string path, Handlers handlers, const Clock& clock,
                           wire::Backoff backoff)
    : loop_(loop),
      handlers_(std::move(handlers)),
      clock_(clock),
      dialer_(
          loop, std::move(path), backoff, [this](int fd) { connected(fd); },
          [this](const Error& why) { trouble_ = why.message; }) {}

GuestChannel::~GuestChannel() {
    *alive_ = false;
    dialer_.stop();
    if (line_) line_->close();
}

void GuestChannel::connected(int fd) {
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, alive = alive_](std::string_view line) {
        if (*alive) on_line(line);
    };
    handlers.on_closed = [this, alive = alive_](const Error& why) {
        if (*alive) on_closed(why);
    };
    line_ = wire::LineConnection::start(loop_, fd, std::move(handlers), wire::ConnectionBounds{}, clock_);
    heard_nothing_ = true;
    spoke_nothing_ = true;
    trouble_.clear();
}

void GuestChannel::on_line(std::string_view line) {
    auto message = decode_message(line);
    const bool is_first = std::exchange(heard_nothing_, false);
    if (!message) {
        if (is_first && message.error().code == ErrorCode::bad_value) return;  // the rest of a line, most likely
        return on_malformed(line, message.error());
    }
    if (const auto* hello = std::get_if<Hello>(&message->body)) return take_hello(message->id, *hello);
    take_message(message->id, std::move(message->body));
}

void GuestChannel::on_malformed(std::string_view line, const Error& why) {
    line_->count_malformed();
    const std::string envelope = id_of_malformed(line);
    send_error(envelope.empty() ? "unknown" : envelope, why);
}

bool GuestChannel::greets_too_often() {
    const TimePoint now = clock_.now();
    while (!hellos_.empty() && now - hellos_.front() > kHellosWithin) hellos_.pop_front();
    hellos_.push_back(now);
    return hellos_.size() > kMostHellos;
}

void GuestChannel::take_hello(const std::string& envelope, const Hello& hello) {
    if (greets_too_often()) return end_with({ErrorCode::refused, "the guest floods: it says hello again and again"});
    if (hello.role != Role::guest)
        return refuse(envelope, "only guests join here; agents join their guest's aerostat-guestd");
    leave({ErrorCode::disconnected, "the guest introduced itself anew (guestd was restarted, or the guest restored)"});
    const auto name = handlers_.on_join(hello);
    if (!name) return refuse(envelope, name.error().message);
    session_ = hello.session;
    joined_at_ = clock_.now();
    write(envelope, Welcome{hello.session, *name, kLease});
    handlers_.on_joined();
}

void GuestChannel::take_message(const std::string& envelope, Message message) {
    const bool may_be_sent = is_for_hosts(message);
    const bool needs_no_answer =
        std::holds_alternative<ErrorNotice>(message) || std::holds_alternative<LeaseRenewal>(message);
    if (!is_joined()) {
        // A guest that speaks as if it were welcome has not noticed that another host came: it is told, but not each time.
        if (std::holds_alternative<ErrorNotice>(message) || clock_.now() < may_point_out_at_) return;
        may_point_out_at_ = clock_.now() + kPointOutEvery;
        return send_error(envelope, {ErrorCode::disconnected, "this host knows no session of yours: say hello"});
    }
    if (!may_be_sent) return send_error(envelope, {ErrorCode::refused, "a guest does not give orders"});
    // Of an earlier session: what it answers was asked by nobody who is still here.
    const auto* words = std::get_if<BalloonWords>(&message);
    if (words && words->session != session_) return;
    if (!needs_no_answer) handlers_.on_message(std::move(message));
}

// The connection stays: there is no other way in for this guest, and it may have changed its mind by its next hello.
void GuestChannel::refuse(const std::string& envelope, const std::string& why) {
    send_error(envelope, {ErrorCode::refused, why});
    handlers_.on_refused(why);
}

void GuestChannel::send_error(const std::string& envelope, const Error& why) {
    write(envelope, ErrorNotice{std::string(to_string(why.code)), why.message});
}

void GuestChannel::write(const std::string& envelope, Message message) {
    auto line = encode(Envelope{envelope, std::move(message)});
    if (!line || !line_) return;
    // An empty line ends what an earlier host has left unfinished.
    if (std::exchange(spoke_nothing_, false)) line->insert(line->begin(), '\n');
    line_->send(*std::move(line));
}

bool GuestChannel::send(Message message) {
    if (!is_joined() || !line_ || !line_->is_open()) return false;
    set_session(message, session_);
    auto line = encode(Envelope{fresh_id(), std::move(message)});
    return line && line_->send(*std::move(line));
}

void GuestChannel::end_with(const Error& why) {
    line_->close();
    on_closed(why);
}

void GuestChannel::on_closed(const Error& why) {
    if (why.code == ErrorCode::refused) ++cut_off_;
    malformed_of_closed_ += line_->malformed();
    line_.reset();
    trouble_ = why.message;
    const bool was_good = is_joined() && why.code != ErrorCode::refused && clock_.now() - joined_at_ > kGoodAfter;
    if (was_good)
        dialer_.start();
    else
        dialer_.retry_later();
    leave(why);
}

void GuestChannel::leave(const Error& why) {
    if (!is_joined()) return;
    session_.clear();
    handlers_.on_lost(why);
}

std::uint64_t GuestChannel::malformed_lines() const { return malformed_of_closed_ + (line_ ? line_->malformed() : 0); }

}  // namespace aerostat::host::virt
