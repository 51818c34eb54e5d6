#include "guest-balloon/client/door.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>

#include "tests/support/loop.h"

namespace aerostat::client {
namespace {

using aerostat::testing::TemporaryDirectory;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool is_readable(int fd, int within_ms) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, within_ms) == 1;
}

/// A socket where guestd's should be, that does as the test says.
class Impostor {
public:
    explicit Impostor(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Impostor() { ::close(fd_); }
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

    void listen() const { EXPECT_EQ(::listen(fd_, 8), 0); }
    /// The connection that waits, or negative.
    [[nodiscard]] int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }

private:
    int fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
};

class ClientDoorTest : public ::testing::Test {
protected:
    TemporaryDirectory directory;
    Impostor guestd{directory / "client.sock"};
    Door door{directory / "client.sock", [] { return std::vector<Message>{Watch{WatchFor::level}}; }};

    /// The next connection, while the program serves its descriptor.
    int next_connection() {
        const auto until = steady_clock::now() + std::chrono::seconds(20);
        int got = guestd.accept();
        for (; got < 0 && steady_clock::now() < until; got = guestd.accept()) {
            if (is_readable(door.fd(), 50)) static_cast<void>(door.take());
        }
        EXPECT_GE(got, 0) << "nobody came";
        return got;
    }
};

TEST_F(ClientDoorTest, ComesLessAndLessOftenToOneWhoOnlyLetsItIn) {
    guestd.listen();
    ASSERT_TRUE(door.open());
    const auto began = steady_clock::now();
    for (int i = 0; i < 4; ++i) ::close(next_connection());
    EXPECT_GE(steady_clock::now() - began, milliseconds(650)) << "100, 200 and 400 ms lie between four of them";
}

TEST_F(ClientDoorTest, IsQuietAfterALossAlsoWhileAForkedChildHasTheSocket) {
    guestd.listen();
    ASSERT_TRUE(door.open());
    const pid_t child = ::fork();
    if (child == 0) {
        for (;;) ::pause();
    }
    ASSERT_GT(child, 0);
    ::close(next_connection());
    const int again = next_connection();
    while (is_readable(door.fd(), 0) && door.take().turned) continue;
    EXPECT_FALSE(is_readable(door.fd(), 0));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(again);
}

TEST_F(ClientDoorTest, SaysNothingToAStrangersDaemon) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    ASSERT_EQ(::seteuid(54321), 0);
    guestd.listen();  // the kernel tells who did this
    ASSERT_EQ(::seteuid(0), 0);
    ASSERT_TRUE(door.open());
    const int stranger = next_connection();
    std::array<char, 100> said{};
    EXPECT_EQ(::recv(stranger, said.data(), said.size(), 0), 0) << "it spoke, or stayed";
    ::close(stranger);
}

}  // namespace
}  // namespace aerostat::client
