#include "daemon/service.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/support/loop.h"

namespace aerostat::daemon {
namespace {

using aerostat::testing::run_until;
using aerostat::testing::TemporaryDirectory;

TEST(RuntimeDirectory, IsMadeAndItsDangersAreNamed) {
    const TemporaryDirectory directory;
    EXPECT_TRUE(prepare_runtime_directory(directory / "new"));
    EXPECT_TRUE(prepare_runtime_directory(directory / "new"));
    std::ofstream(directory / "file") << "x";
    EXPECT_EQ(prepare_runtime_directory(directory / "file").error().code, ErrorCode::bad_value);
    ASSERT_EQ(::chmod((directory / "new").c_str(), 0777), 0);
    EXPECT_NE(prepare_runtime_directory(directory / "new").error().message.find("chmod o-w"), std::string::npos);
    EXPECT_FALSE(prepare_runtime_directory(directory / "no/such"));
}

TEST(Signals, StopAndReloadArriveInTheLoop) {
    asio::io_context loop;
    int stops = 0;
    int reloads = 0;
    const Signals signals(
        loop, [&] { ++stops; }, [&] { ++reloads; });
    ASSERT_EQ(::raise(SIGHUP), 0);
    ASSERT_TRUE(run_until(loop, [&] { return reloads == 1; }));
    ASSERT_EQ(::raise(SIGTERM), 0);
    ASSERT_TRUE(run_until(loop, [&] { return stops == 1; }));
}

TEST(SystemdNotice, ReachesItsSocketAndIsSilentWithoutOne) {
    const TemporaryDirectory directory;
    const std::string path = directory / "notify";
    const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    notify_systemd("READY=1");
    char text[32] = {};
    EXPECT_EQ(::recv(receiver, text, sizeof text, MSG_DONTWAIT), 7);
    EXPECT_STREQ(text, "READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    notify_systemd("READY=1");
    EXPECT_EQ(::recv(receiver, text, sizeof text, MSG_DONTWAIT), -1);
    ::close(receiver);
}

TEST(Log, RefusesAnUnknownLevel) {
    EXPECT_FALSE(set_up_log("loud"));
    EXPECT_TRUE(set_up_log("warn"));
    EXPECT_TRUE(set_up_log("error")) << "a reload may set it up again";
}

}  // namespace
}  // namespace aerostat::daemon
