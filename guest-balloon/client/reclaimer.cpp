// The cooperative releasers of the C interface (include/aerostat/memory_condition.h).
#include <aerostat/memory_condition.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <thread>

#include "contract/names.h"
#include "guest-balloon/client/door.h"
#include "guest-balloon/client/page_source.h"

namespace {

using namespace aerostat;
using aerostat::client::Door;

constexpr Duration kBetweenUpdates = std::chrono::milliseconds(100);

std::optional<double> price_of(double price) {
    return std::isfinite(price) && price >= 0 ? std::optional(price) : std::nullopt;
}

}  // namespace

struct aerostat_reclaimer {
    aerostat_reclaimer(const aerostat_reclaimer_options& options, std::string reclaimer_name, const std::string& directory)
        : name(std::move(reclaimer_name)),
          reclaim(options.reclaim),
          user(options.user),
          releasable(options.releasable_bytes),
          price(price_of(options.price)),
          door(directory + "/client.sock", [this] { return std::vector<Message>{figures()}; }) {}
    ~aerostat_reclaimer() {
        if (bell >= 0) ::close(bell);
    }
    aerostat_reclaimer(const aerostat_reclaimer&) = delete;
    aerostat_reclaimer& operator=(const aerostat_reclaimer&) = delete;

    [[nodiscard]] ReclaimerFigures figures() const { return {name, releasable, price}; }
    void update(Bytes now_releasable, std::optional<double> now_price);
    int dispatch();
    int dispatch_alone();
    void end_without_thread();
    [[nodiscard]] bool start_thread();
    void serve();

    const std::string name;
    const aerostat_reclaim_function reclaim;
    void* const user;
    std::mutex mutex;  // everything below
    Bytes releasable;
    std::optional<double> price;
    bool unsent = false;
    TimePoint sent_at;
    Door door;

    int bell = -1;  ///< rings when the thread is to end; negative: there is no thread
    std::atomic<bool> ending = false;
    bool is_orphan = false;  ///< unregistered from inside a call: whoever calls deletes it afterwards. That thread's own.
    std::thread thread;
    std::mutex calling;                            // without a thread of our own: held by the program's, while it dispatches
    std::atomic<std::thread::id> dispatcher = {};  // which one that is

private:
    void send_if_due();
    [[nodiscard]] Bytes ask(const Reclaim& order) noexcept;
};

void aerostat_reclaimer::update(Bytes now_releasable, std::optional<double> now_price) {
    const std::lock_guard lock(mutex);
    unsent = unsent || releasable != now_releasable || price != now_price;
    releasable = now_releasable;
    price = now_price;
    send_if_due();
}

void aerostat_reclaimer::send_if_due() {
    if (!unsent) return;
    const TimePoint now = SystemClock().now();
    if (now - sent_at < kBetweenUpdates) return door.wake_within(kBetweenUpdates);
    sent_at = now;
    unsent = !door.say(fresh_id(), figures());  // not connected: the greeting will say it
}

Bytes aerostat_reclaimer::ask(const Reclaim& order) noexcept {
    try {
        return Bytes(reclaim(user, order.wanted.count(), static_cast<std::uint64_t>(order.deadline.count())));
    } catch (...) {  // a callback in C++
        return Bytes();
    }
}

int aerostat_reclaimer::dispatch() {
    Door::Arrivals arrivals;
    {
        const std::lock_guard lock(mutex);
        arrivals = door.take();
        if (arrivals.turned) unsent = false;
        send_if_due();
    }
    int calls = 0;
    for (const Envelope& envelope : arrivals.messages) {
        const auto* order = std::get_if<Reclaim>(&envelope.body);
        if (!order || order->reclaimer != name || ending) continue;
        const Bytes released = ask(*order);
        ++calls;
        if (ending) break;
        const std::lock_guard lock(mutex);
        releasable = saturating_sub(releasable, released);  // until its owner says more
        door.say(envelope.id, Reclaimed{name, released});
    }
    return calls;
}

int aerostat_reclaimer::dispatch_alone() {
    const auto me = std::this_thread::get_id();
    if (dispatcher == me) return 0;  // from inside a call: what has come meanwhile is taken afterwards
    std::unique_lock busy(calling);
    dispatcher = me;
    int result = AEROSTAT_E_MEMORY;
    try {
        result = dispatch();
    } catch (...) {  // what was asked is asked again
    }
    dispatcher = std::thread::id();
    const bool is_ours_to_delete = is_orphan;
    busy.unlock();  // from here on another thread may delete it
    if (is_ours_to_delete) delete this;
    return result;
}

void aerostat_reclaimer::end_without_thread() {
    ending = true;
    if (dispatcher == std::this_thread::get_id()) {
        is_orphan = true;
        return;
    }
    { const std::lock_guard until_the_call_is_over(calling); }
    delete this;
}

void aerostat_reclaimer::serve() {
    ::pthread_setname_np(::pthread_self(), "aerostat-cache");
    while (!ending) {
        pollfd waiting[] = {{door.fd(), POLLIN, 0}, {bell, POLLIN, 0}};
        if (::poll(waiting, 2, -1) <= 0 || ending) continue;
        try {
            dispatch();
        } catch (...) {  // no memory just now: what was asked is asked again
            continue;
        }
    }
    if (is_orphan) delete this;
}

bool aerostat_reclaimer::start_thread() {
    bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0) return false;
    // The program's signals are not for this thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread = std::thread([this] { serve(); });
    } catch (...) {
        ::close(bell);
        bell = -1;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return bell >= 0;
}

extern "C" {

int aerostat_reclaimer_register(const aerostat_reclaimer_options* options, aerostat_reclaimer** reclaimer) {
    if (!options || !reclaimer) return AEROSTAT_E_ARGUMENT;
    *reclaimer = nullptr;
    if (options->struct_size < sizeof *options || !options->reclaim || !options->name) return AEROSTAT_E_ARGUMENT;
    if ((options->flags & ~AEROSTAT_RECLAIMER_NO_THREAD) != 0) return AEROSTAT_E_ARGUMENT;
    try {
        auto name = parse_name(options->name);
        const std::string directory = client::runtime_directory(options->runtime_dir);
        if (!name || directory.empty()) return AEROSTAT_E_ARGUMENT;
        auto made = std::make_unique<aerostat_reclaimer>(*options, *std::move(name), directory);
        if (!made->door.open()) return AEROSTAT_E_SYSTEM;
        if ((options->flags & AEROSTAT_RECLAIMER_NO_THREAD) == 0 && !made->start_thread()) return AEROSTAT_E_MEMORY;
        *reclaimer = made.release();
        return 0;
    } catch (...) {
        return AEROSTAT_E_MEMORY;
    }
}

int aerostat_reclaimer_update(aerostat_reclaimer* reclaimer, uint64_t releasable_bytes, double price) {
    if (!reclaimer) return AEROSTAT_E_ARGUMENT;
    try {
        reclaimer->update(Bytes(releasable_bytes), price_of(price));
        return 0;
    } catch (...) {
        return AEROSTAT_E_MEMORY;
    }
}

int aerostat_reclaimer_fd(aerostat_reclaimer* reclaimer) {
    if (!reclaimer) return AEROSTAT_E_ARGUMENT;
    return reclaimer->bell < 0 ? reclaimer->door.fd() : AEROSTAT_E_THREAD;
}

int aerostat_reclaimer_dispatch(aerostat_reclaimer* reclaimer) {
    if (!reclaimer) return AEROSTAT_E_ARGUMENT;
    if (reclaimer->bell >= 0) return AEROSTAT_E_THREAD;
    return reclaimer->dispatch_alone();
}

void aerostat_reclaimer_unregister(aerostat_reclaimer* reclaimer) {
    if (!reclaimer) return;
    if (reclaimer->bell < 0) return reclaimer->end_without_thread();
    if (reclaimer->thread.get_id() == std::this_thread::get_id()) {
        reclaimer->is_orphan = true;
        reclaimer->thread.detach();
        reclaimer->ending = true;
        return;
    }
    reclaimer->ending = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(reclaimer->bell, &one, sizeof one);
    reclaimer->thread.join();
    delete reclaimer;
}

}  // extern "C"
