#include "guest-balloon/link/port_lookup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/loop.h"

namespace aerostat::guest {
namespace {

using ::testing::HasSubstr;

/// A guest's ports as sysfs shows them, in a folder of the test.
class PortLookup : public ::testing::Test {
protected:
    void SetUp() override {
        roots.ports = directory / "virtio-ports";
        roots.devices = directory / "dev";
        std::filesystem::create_directory(roots.devices);
    }
    void add(const std::string& entry, const char* name) const {
        std::filesystem::create_directories(roots.ports + "/" + entry);
        if (name) std::ofstream(roots.ports + "/" + entry + "/name") << name << "\n";
    }
    aerostat::testing::TemporaryDirectory directory;
    DeviceRoots roots;
};

/// Without root's rights while it lives: root may open everything.
class Unprivileged {
public:
    Unprivileged() { EXPECT_TRUE(::geteuid() != 0 || ::seteuid(65534) == 0); }
    ~Unprivileged() { EXPECT_TRUE(::getuid() != 0 || ::seteuid(0) == 0); }
    Unprivileged(const Unprivileged&) = delete;
    Unprivileged& operator=(const Unprivileged&) = delete;
};

TEST_F(PortLookup, FindsAPortByItsName) {
    add("vport0p1", "org.qemu.guest_agent.0");
    add("vport0p2", nullptr);
    add("vport1p1", "org.aerostat.guest.0");
    EXPECT_EQ(*find_port("org.aerostat.guest.0", roots), roots.devices + "/vport1p1");
    EXPECT_EQ(find_port("org.aerostat.guest", roots).error().code, ErrorCode::not_found) << "no prefix";
    EXPECT_EQ(*find_port("/dev/vport7p1", roots), "/dev/vport7p1") << "a path stands for itself";
}

TEST_F(PortLookup, SaysWhatIsMissing) {
    EXPECT_THAT(find_port("a", roots).error().message, HasSubstr("virtio_console")) << "no device at all";
    std::filesystem::create_directory(roots.ports);
    EXPECT_THAT(find_port("a", roots).error().message, HasSubstr("there is none"));
    add("vport0p1", "b.0");
    add("vport0p2", "c.0");
    EXPECT_THAT(find_port("a", roots).error().message, HasSubstr("no virtio-serial port has the name a; there is b.0, c.0"));
    add("vport0p3", "a");
    const auto opened = open_port("a", roots);
    EXPECT_EQ(opened.error().code, ErrorCode::not_found) << "its node in /dev comes later";
    EXPECT_THAT(opened.error().message, HasSubstr("vport0p3"));
}

TEST_F(PortLookup, OpensNoFileAndNoFolder) {
    std::ofstream(directory / "file") << "precious";
    EXPECT_EQ(open_port(directory / "file", roots).error().code, ErrorCode::bad_value);
    EXPECT_EQ(open_port(directory.path(), roots).error().code, ErrorCode::bad_value);
}

// A terminal in exclusive mode answers EBUSY as a port does that is open already.
TEST_F(PortLookup, NamesTheReasonWhenAPortIsHeldOrForbidden) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_EQ(::grantpt(terminal) | ::unlockpt(terminal), 0);
    const std::string path = ::ptsname(terminal);
    const auto first = open_port(path, roots);
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_EQ(::fchmod(*first, 0666), 0);
    ASSERT_EQ(::ioctl(*first, TIOCEXCL), 0);
    {
        const Unprivileged us;
        EXPECT_EQ(open_port(path, roots).error().code, ErrorCode::busy);
    }
    ASSERT_EQ(::fchmod(*first, 0), 0);
    {
        const Unprivileged us;
        const auto denied = open_port(path, roots);
        EXPECT_EQ(denied.error().code, ErrorCode::denied);
        EXPECT_THAT(denied.error().message, HasSubstr("no right to open " + path));
    }
    ::close(*first);
    ::close(terminal);
}

TEST_F(PortLookup, OpensForBothWaysWithoutBlocking) {
    ASSERT_EQ(::mkfifo((directory / "port").c_str(), 0600), 0);
    const auto port = open_port(directory / "port", roots);
    ASSERT_TRUE(port) << port.error().message;
    const int flags = ::fcntl(*port, F_GETFL);
    EXPECT_EQ(flags & O_ACCMODE, O_RDWR);
    EXPECT_NE(flags & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(*port, F_GETFD) & FD_CLOEXEC, 0);
    ::close(*port);
}

}  // namespace
}  // namespace aerostat::guest
