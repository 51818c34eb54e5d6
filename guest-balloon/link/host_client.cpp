#include "guest-balloon/link/host_client.h"

#include <algorithm>

#include "contract/codec.h"
#include "contract/names.h"
#include "guest-balloon/decide/sane_report.h"

namespace aerostat::guest {
namespace {

constexpr Duration kGoodAfter = std::chrono::seconds(1);  // a connection that lasted this long is dialled again at once
constexpr Millis kLongestLease{600'000};

}  // namespace

Result<std::string> encode_report(const std::string& id, GuestReport report) {
    auto line = encode(Envelope{id, report});
    for (const std::size_t points : {std::size_t{8}, std::size_t{4}, std::size_t{2}}) {
        if (line) break;
        for (JvmReport& jvm : report.jvms) jvm = slim_report(std::move(jvm), points);
        line = encode(Envelope{id, report});
    }
    return line;
}

HostClient::HostClient(asio::io_context& loop, const MakeConnector& connector, std::string guest_name, Handlers handlers,
                       const Clock& clock, HostPatience patience)
    : loop_(loop),
      name_(std::move(guest_name)),
      handlers_(std::move(handlers)),
      clock_(clock),
      patience_(patience),
      connector_(connector([this](int fd) { connected(fd); }, [this](const Error& why) { not_connected(why); })),
      patience_timer_(loop) {}

HostClient::~HostClient() {
    *alive_ = false;
    connector_->stop();
    if (line_) line_->close();
}

void HostClient::connected(int fd) {
    wire::LineConnection::Handlers handlers;
    handlers.on_line = [this, alive = alive_](std::string_view line) {
        if (*alive) on_line(line);
    };
    handlers.on_closed = [this, alive = alive_](const Error& why) {
        if (*alive) on_closed(why);
    };
    session_ = fresh_id();
    welcomed_ = false;
    complained_ = false;
    line_ = wire::LineConnection::start(loop_, fd, std::move(handlers), wire::ConnectionBounds{}, clock_);
    introduce_ourselves();
    give_up_after(patience_.welcome, "the host accepts connections but does not answer");
}

void HostClient::not_connected(const Error& why) {
    trouble_ = why.message;
    tell_trouble(why);
}

void HostClient::introduce_ourselves() {
    Hello hello;
    hello.role = Role::guest;
    hello.name = name_;
    hello.session = session_;
    hello.software = AEROSTAT_VERSION;
    auto line = encode(Envelope{fresh_id(), hello});
    if (!line) return;
    // An empty line ends whatever an earlier connection, or an earlier process of ours, has left unfinished there.
    if (connector_->outlives_connections()) line->insert(0, "\n");
    line_->send(*std::move(line));
}

void HostClient::give_up_after(Duration patience, const char* why) {
    patience_timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(patience));
    patience_timer_.async_wait([this, alive = alive_, of = line_, why](asio::error_code error) {
        if (!error && *alive && line_ == of && of->is_open()) end_with(Error{ErrorCode::timed_out, why});
    });
}

void HostClient::end_with(const Error& why) {
    line_->close();
    on_closed(why);
}

// A host may be replaced by another without our seeing an end: it detaches and attaches faster than we are woken, or we
// are moved to another machine. The new one knows no session of ours, and waits for our hello; we notice by its silence.
void HostClient::heard() {
    if (!connector_->outlives_connections()) return;
    give_up_after(std::max(Duration(std::clamp(lease_, Millis(), kLongestLease)), patience_.silence),
                  "the host was silent for its whole lease");
}

void HostClient::on_line(std::string_view line) {
    auto envelope = decode_message(line);
    if (!envelope) {
        if (envelope.error().code == ErrorCode::bad_value) return line_->count_malformed();
        const std::string id = id_of_malformed(line);
        auto answer = encode(Envelope{id.empty() ? "unknown" : id, ErrorNotice{"unsupported", envelope.error().message}});
        if (answer) line_->send(*std::move(answer));
        return;
    }
    if (const auto* welcome = std::get_if<Welcome>(&envelope->body)) return on_welcome(*welcome);
    if (const auto* notice = std::get_if<ErrorNotice>(&envelope->body)) on_notice(*notice);
    if (!welcomed_) return;
    if (const auto* renewal = std::get_if<LeaseRenewal>(&envelope->body)) lease_ = renewal->lease;
    heard();
    handlers_.on_message(envelope->body);
}

void HostClient::on_welcome(const Welcome& welcome) {
    if (welcomed_ || welcome.session != session_) return;
    welcomed_ = true;
    welcomed_at_ = clock_.now();
    patience_timer_.cancel();
    lease_ = welcome.lease;
    heard();
    trouble_.clear();
    trouble_told_.clear();
    handlers_.on_welcome(session_, welcome);
}

void HostClient::on_notice(const ErrorNotice& notice) {
    trouble_ = printable(notice.message);
    complained_ = true;
    // "I know no session of yours": the quick way out of what heard() describes.
    if (welcomed_ && notice.code == to_string(ErrorCode::disconnected))
        end_with(Error{ErrorCode::disconnected, "the host knows no session of ours: " + trouble_});
}

void HostClient::on_closed(const Error& why) {
    const bool was_welcomed = welcomed_;
    const bool was_good = was_welcomed && clock_.now() - welcomed_at_ > kGoodAfter;
    welcomed_ = false;
    line_.reset();
    patience_timer_.cancel();
    if (!complained_ || was_welcomed) trouble_ = why.message;
    if (was_good)
        connector_->start();
    else
        connector_->retry_later();
    if (was_welcomed)
        handlers_.on_lost(why);
    else
        tell_trouble(Error{why.code, trouble_});
}

void HostClient::resync(const std::string& why) {
    if (line_) end_with(Error{ErrorCode::disconnected, why});
}

void HostClient::tell_trouble(const Error& why) {
    if (why.message == trouble_told_) return;
    trouble_told_ = why.message;
    if (handlers_.on_trouble) handlers_.on_trouble(why);
}

bool HostClient::send(const Message& message) {
    if (!welcomed_ || !line_) return false;
    const auto* report = std::get_if<GuestReport>(&message);
    auto line = report ? encode_report(fresh_id(), *report) : encode(Envelope{fresh_id(), message});
    return line && line_->send(*std::move(line));
}

}  // namespace aerostat::guest
