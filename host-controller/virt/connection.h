#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "contract/clock.h"
#include "contract/units.h"
#include "daemon/call_pool.h"
#include "host-controller/virt/domain_event.h"
#include "wire/retry_timer.h"

namespace aerostat::host::virt {

enum class RunState { running, suspended, crashed };

/// What a connection says of itself when it is opened.
struct LibvirtFacts {
    std::string libvirt;                      ///< "9.0.0"
    std::string hypervisor;                   ///< "QEMU 7.2.22"
    std::vector<std::string> missing_events;  ///< events that this libvirt cannot tell
};

/// One domain that runs, as a listing tells.
struct ActiveDomain {
    std::string uuid;
    std::string name;
    int id = 0;  ///< another one after each start of the domain
    RunState state = RunState::running;
    std::optional<std::string> xml;  ///< live; only of those the caller did not know
};

struct MemoryStats {
    Bytes maximum;
    Bytes actual;
    std::optional<Bytes> usable;  ///< absent: the guest's driver has never reported
    Duration usable_age{};        ///< by the wall clock of this host; whole seconds are all libvirt tells
};

/// A connection to libvirt that comes back by itself, with a growing pause. Every call goes through the pool under the
/// domain's key and uses the handle the last listing brought.
/// Fails, all calls: `disconnected` (no connection: trouble() says why), `timed_out`, `busy`, and as libvirt_error.
/// Thread: the io_context's; answers come from there, never from inside.
class Connection {
public:
    struct Handlers {
        std::function<void()> on_open;
        std::function<void(const Error& why)> on_lost;  ///< of a connection that was open
        EventSink::OnEvent on_event;
    };
    template <class T>
    using Answer = daemon::CallPool::Answer<T>;
    /// UUID -> id of the domains whose XML need not be fetched again.
    using Known = std::map<std::string, int>;

    /// `pool` outlives the connection.
    Connection(asio::io_context& loop, std::string uri, daemon::CallPool& pool, Handlers handlers,
               wire::Backoff backoff = {});
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start();
    [[nodiscard]] bool is_open() const { return link_ != nullptr; }
    /// Whether it is being opened, or a listing has not returned yet (though it may have been answered with `timed_out`).
    [[nodiscard]] bool is_busy() const;
    /// Why there is no connection, or no answer from it; empty if all is well.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] const std::string& uri() const { return uri_; }

    /// As it was when it was opened last.
    [[nodiscard]] const LibvirtFacts& facts() const { return facts_; }
    [[nodiscard]] EventSink& events() { return *sink_; }

    void list(Known known, Answer<std::vector<ActiveDomain>> answer);
    void xml(const std::string& uuid, Answer<std::string> answer);
    /// Whether its memory is being copied away: a migration, a save.
    void is_moving(const std::string& uuid, Answer<bool> answer);
    void memory_stats(const std::string& uuid, Answer<MemoryStats> answer);
    /// Sets what is left to the guest, rounded up to KiB. Answered when the order is with the hypervisor.
    void set_memory(const std::string& uuid, Bytes actual, Answer<void> answer);
    void set_stats_period(const std::string& uuid, std::chrono::seconds period, Answer<void> answer);

private:
    struct Link;
    struct Listing;
    void open();
    void opened(Result<std::shared_ptr<Link>> link);
    void lost(const Error& why);
    template <class T, class Call>
    void ask_domain(const std::string& uuid, Call call, Answer<T> answer);
    template <class T>
    Answer<T> watched(Answer<T> answer);
    template <class T>
    void answer_later(Answer<T> answer, Error why);

    asio::io_context& loop_;
    std::string uri_;
    daemon::CallPool& pool_;
    Handlers handlers_;
    std::shared_ptr<EventSink> sink_;
    LibvirtFacts facts_;
    wire::RetryTimer retry_;
    std::shared_ptr<Link> link_;
    std::string trouble_ = "not connected yet";
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host::virt
