#include "guest-balloon/link/pressure_door.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>

#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

using aerostat::testing::run_until;

class Program {
public:
    explicit Program(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~Program() { ::close(fd_); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    void write(std::string_view text) {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    bool is_told() const {
        pollfd waiting{fd_, POLLIN, 0};
        return ::poll(&waiting, 1, 0) == 1;
    }
    std::string read() {
        std::array<char, 64> buffer{};
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        return std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }

private:
    int fd_;
};

class PressureDoorTest : public ::testing::Test {
protected:
    aerostat::testing::TemporaryDirectory directory;
    asio::io_context loop;
    ManualClock clock;
    std::unique_ptr<PressureDoor> door = *PressureDoor::open(loop, directory / "pressure", {}, clock);
    void wait_for(std::size_t connections) {
        ASSERT_TRUE(run_until(loop, [&] { return door->connections() == connections; }));
    }
};

TEST(LevelWritten, IsTheFirstWordIfItIsALevel) {
    EXPECT_EQ(level_written("critical"), ConditionLevel::critical);
    EXPECT_EQ(level_written("advisory\n"), ConditionLevel::advisory);
    EXPECT_EQ(level_written(std::string_view("tight\0x", 7)), ConditionLevel::tight);
    EXPECT_FALSE(level_written("some 150000 2000000"));
    EXPECT_FALSE(level_written(""));
}

TEST_F(PressureDoorTest, TellsWhenItBecomesTightAndAgainWhileItLasts) {
    Program program(directory / "pressure");
    wait_for(1);
    door->tell(ConditionLevel::advisory);
    EXPECT_FALSE(program.is_told());
    door->tell(ConditionLevel::tight);
    EXPECT_EQ(program.read(), "tight\n");
    clock.advance(std::chrono::seconds(1));
    door->tell(ConditionLevel::tight);
    EXPECT_FALSE(program.is_told()) << "not each second";
    door->tell(ConditionLevel::critical);
    EXPECT_EQ(program.read(), "critical\n") << "but at once when it becomes worse";
    clock.advance(std::chrono::seconds(2));
    door->tell(ConditionLevel::critical);
    EXPECT_TRUE(program.is_told());
}

TEST_F(PressureDoorTest, AProgramChoosesItsLevel) {
    Program early(directory / "pressure");
    Program late(directory / "pressure");
    Program psi(directory / "pressure");
    early.write("advisory");
    late.write("critical");
    psi.write("some 150000 2000000");
    wait_for(3);
    door->tell(ConditionLevel::advisory);
    EXPECT_TRUE(run_until(loop, [&] { return early.is_told(); }));
    door->tell(ConditionLevel::tight);
    EXPECT_TRUE(run_until(loop, [&] { return psi.is_told(); }));
    EXPECT_FALSE(late.is_told());
}

TEST_F(PressureDoorTest, OneThatConnectsUnderPressureIsToldAtOnce) {
    door->tell(ConditionLevel::tight);
    const Program program(directory / "pressure");
    EXPECT_TRUE(run_until(loop, [&] { return program.is_told(); }));
}

TEST_F(PressureDoorTest, OneThatWritesWithoutEndOrGoesIsForgotten) {
    {
        Program talkative(directory / "pressure");
        wait_for(1);
        talkative.write(std::string(6000, 'x'));
        wait_for(0);
        const Program brief(directory / "pressure");
        wait_for(1);
    }
    wait_for(0);
}

}  // namespace
}  // namespace aerostat::guest
