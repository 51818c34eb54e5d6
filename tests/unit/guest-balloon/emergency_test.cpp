// The way from the kernel's word of pressure to the wire allocates nothing: counted here.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "contract/codec.h"
#include "guest-balloon/app/guard.h"
#include "tests/support/fake_root.h"
#include "tests/unit/guest-balloon/guest_fixture.h"
#include "wire/line_connection.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

void* counted(std::size_t size) {
    if (counting) ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace aerostat::guest {
namespace {

template <class Call>
int allocations_of(Call call) {
    allocations = 0;
    counting = true;
    call();
    counting = false;
    return allocations;
}

/// A squeezed JVM, and a connection as agents and hosts have it.
class Emergency : public ::testing::Test {
protected:
    Emergency() {
        available_mib(700);
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        line = wire::LineConnection::start(loop, ends[0], {}, {}, clock);
        guest.state.memory_seen(GuestMemory{4_GiB, 700_MiB, 0.0, 0.0});
        shop = guest.connect("shop", 10);
        EXPECT_TRUE(guest.ask(Guest::squeeze("shop", 500_MiB)));
    }
    ~Emergency() override {
        line->close();
        ::close(ends[1]);
    }
    void available_mib(int mib) const {
        root.write("/proc/meminfo",
                   "MemTotal: 4194304 kB\nMemFree: 1 kB\nMemAvailable: " + std::to_string(mib * 1024) + " kB\n");
    }
    std::unique_ptr<Guard> make() {
        return std::make_unique<Guard>(
            Guard::Ports{[this](ConnectionId, std::string_view text) { return line->send_now(text); },
                         [this](std::string_view text) { return line->send_now(text); }, [this] { ++released; }},
            root.path);
    }
    std::string read() {
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(ends[1], buffer.data(), buffer.size());
        return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    aerostat::testing::FakeRoot root;
    asio::io_context loop;
    SystemClock clock;
    int ends[2] = {-1, -1};
    std::shared_ptr<wire::LineConnection> line;
    Guest guest;
    ConnectionId shop = 0;
    int released = 0;
    TimePoint now{std::chrono::hours(2)};
};

TEST_F(Emergency, NothingIsAllocatedBetweenTheKernelsWordAndTheWire) {
    const auto made = make();
    Guard& guard = *made;
    guard.arm(guest.state, "guard-1");
    Guard::Shot shot;
    EXPECT_EQ(allocations_of([&] { shot = guard.fire(now); }), 0);
    EXPECT_TRUE(shot.happened && shot.host_heard);
    EXPECT_EQ(shot.raised, 1U);
    EXPECT_EQ(released, 1);
    EXPECT_GT(allocations_of([] { static_cast<void>(std::string(100, 'x')); }), 0) << "the counter counts";

    const std::string said = read();
    const std::size_t end = said.find('\n');
    const auto pressure = decode_message(std::string_view(said).substr(0, end));
    ASSERT_TRUE(pressure) << said;
    EXPECT_EQ(std::get<Pressure>(pressure->body).cause, "psi") << "the host first: its help takes longest";
    const auto order = decode_message(std::string_view(said).substr(end + 1, said.size() - end - 2));
    ASSERT_TRUE(order) << said;
    const auto& target = std::get<SetHeapTarget>(order->body);
    EXPECT_EQ(target.op, "guard-1");
    const Bytes room = saturating_sub(700_MiB, guest.state.reserve());
    EXPECT_EQ(target.target.footprint, 524_MiB + room) << "all that the guest can back, and no more";
    EXPECT_TRUE(guard.has_told(shop));
    ASSERT_EQ(guard.order_of_shot(guest.state).tasks.size(), 1U);
    EXPECT_EQ(guard.order_of_shot(guest.state).tasks[0].target.footprint, 524_MiB + room);
}

TEST_F(Emergency, WhatIsAvailableIsReadAtTheMomentItself) {
    const auto made = make();
    Guard& guard = *made;
    guard.arm(guest.state, "guard-1");
    available_mib(100);
    const Guard::Shot shot = guard.fire(now);
    EXPECT_EQ(shot.available, 100_MiB);
    EXPECT_EQ(shot.raised, 0U) << "less than the reserve: a heap that grew would finish the guest off";
    EXPECT_TRUE(shot.host_heard);
    EXPECT_EQ(shot.wanted, saturating_sub(guest.state.reserve(), 100_MiB));
}

TEST_F(Emergency, APausedJvmIsLeftAlone) {
    const auto made = make();
    Guard& guard = *made;
    PauseSwitch paused;
    paused.everything = true;
    guest.state.set_paused(paused);
    guard.arm(guest.state, "guard-1");
    EXPECT_EQ(guard.fire(now).raised, 0U);
}

TEST_F(Emergency, WhatTheBalloonHoldsIsAskedBackFromTheHost) {
    OsReport os = testing::a_report_of_os();
    os.driver = "virtio";
    os.taken = 900_MiB;
    os.can_move = false;
    guest.state.os_seen(os);
    const auto made = make();
    Guard& guard = *made;
    guard.arm(guest.state, "guard-1");
    EXPECT_EQ(guard.fire(now).wanted, 900_MiB);
}

TEST_F(Emergency, ALineThatCannotGoAtOnceIsNotHalfSent) {
    const std::string block(64 * 1024, 'x');
    while (line->send_now(block)) loop.poll();
    EXPECT_FALSE(line->send_now("late\n"));
    EXPECT_TRUE(line->is_open());
}

}  // namespace
}  // namespace aerostat::guest
