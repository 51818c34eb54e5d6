#include "cli/doctor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <fstream>

#include "cli/render.h"
#include "tests/support/loop.h"

namespace aerostat::cli {
namespace {

using aerostat::testing::TemporaryDirectory;
using ::testing::HasSubstr;

class DoctorTest : public ::testing::Test {
protected:
    void write(const std::string& path, const std::string& text) {
        const std::string whole = directory_ / path;
        for (std::size_t at = directory_.path().size() + 1; (at = whole.find('/', at)) != std::string::npos; ++at)
            ::mkdir(whole.substr(0, at).c_str(), 0755);
        std::ofstream(whole) << text;
    }
    Finding finding(const std::string& check) {
        for (const Finding& one :
             examine_machine(directory_ / "control.sock", directory_ / "hostd.toml", directory_.path())) {
            if (one.check == check) return one;
        }
        return {};
    }
    TemporaryDirectory directory_;
};

TEST_F(DoctorTest, SeesWhatTheKernelCanTell) {
    EXPECT_EQ(finding("memory pressure").level, "advice");
    EXPECT_THAT(finding("memory pressure").remedy, HasSubstr("psi=1"));
    EXPECT_EQ(finding("control groups").level, "advice");
    write("proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
    EXPECT_EQ(finding("memory pressure").level, "ok");
    EXPECT_EQ(finding("control groups").level, "ok");
}

TEST_F(DoctorTest, SaysWhenTheMachineHasSwapped) {
    EXPECT_EQ(finding("swap").level, "ok");
    write("proc/meminfo", "MemTotal: 100 kB\nSwapTotal: 1048576 kB\nSwapFree: 524288 kB\n");
    EXPECT_EQ(finding("swap").level, "advice");
    EXPECT_THAT(finding("swap").says, HasSubstr("512 MiB in use"));
    write("proc/meminfo", "garbage\nSwapTotal: x\n");
    EXPECT_EQ(finding("swap").level, "ok");
}

TEST_F(DoctorTest, AConfigurationThatOthersMayWriteIsBad) {
    EXPECT_EQ(finding("configuration").level, "advice");
    write("hostd.toml", "[host]\n");
    ::chmod((directory_ / "hostd.toml").c_str(), 0644);
    EXPECT_EQ(finding("configuration").level, "ok");
    ::chmod((directory_ / "hostd.toml").c_str(), 0664);
    EXPECT_EQ(finding("configuration").level, "bad");
    EXPECT_THAT(finding("configuration").remedy, HasSubstr("chmod go-w"));
}

TEST_F(DoctorTest, ASocketThatIsNotThereOrNoSocketIsBad) {
    EXPECT_EQ(finding("control socket").level, "bad");
    write("control.sock", "");
    EXPECT_THAT(finding("control socket").says, HasSubstr("no socket"));
}

TEST_F(DoctorTest, ASocketThatIsOpenToAllIsAsTheDaemonMakesItForTwoGroups) {
    const std::string path = directory_ / "control.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    for (const mode_t mode : {0660U, 0666U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        EXPECT_EQ(finding("control socket").level, "ok") << mode;
        EXPECT_EQ(finding("control socket").remedy, "") << "whoever shuts it locks operators out";
    }
    ::close(fd);
}

TEST_F(DoctorTest, ShowsWhatIsBadFirstWithWhatToDo) {
    DoctorView doctor;
    doctor.findings = {{"libvirt", {}, "ok", "9.0.0", {}},
                       {"channel", "web\x1b[2J", "bad", "it has none", "add one"},
                       {"mode", {}, "advice", "advise", "mode = \"act\""}};
    const std::string text = render_doctor(doctor, {});
    EXPECT_EQ(text.find("bad     web?[2J: channel: it has none\n        do: add one\n"), 0U) << text;
    EXPECT_THAT(text, HasSubstr("3 looked at: 1 bad, 1 with advice\n"));
}

}  // namespace
}  // namespace aerostat::cli
