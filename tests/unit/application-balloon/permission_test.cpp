#include "application-balloon/host/decide/permission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include "application-balloon/host/virt/domain.h"

namespace aerostat::balloon::host {
namespace {

using testing::IsEmpty;

DomainSight good() {
    DomainSight seen;
    seen.is_running = true;
    seen.open_files = {"/dev/kvm", "anon_inode:kvm-vcpu:0", "/dev/vhost-net", "/memfd:memory-backend-memfd (deleted)"};
    return seen;
}

TEST(Memory, IsTakenFromAPlainRunningDomain) { EXPECT_TRUE(may_be_punched(good())); }

TEST(Memory, IsNotTakenWhileSomethingElseGoesOn) {
    auto paused = good();
    paused.is_running = false;
    EXPECT_EQ(may_be_punched(paused).error().code, ErrorCode::refused);
    auto migrating = good();
    migrating.has_job = true;
    EXPECT_EQ(may_be_punched(migrating).error().code, ErrorCode::refused);
    auto locked = good();
    locked.locks_memory = true;
    EXPECT_EQ(may_be_punched(locked).error().code, ErrorCode::refused);
}

TEST(Memory, IsNotTakenFromUnderADevice) {
    for (const char* file :
         {"/dev/vfio/12", "/dev/vfio/vfio", "/dev/iommu", "/dev/vhost-vdpa-0", "anon_inode:[vfio-device]"}) {
        auto seen = good();
        seen.open_files.emplace_back(file);
        EXPECT_EQ(may_be_punched(seen).error().code, ErrorCode::refused) << file;
    }
    for (const char* device : {"<hostdev mode='subsystem' type='pci'/>", "<interface type='vdpa'/>",
                               "<interface type='vhostuser'/>", "<interface type='hostdev'/>", "<disk type='vhostuser'/>",
                               "<filesystem type='mount'><driver type='virtiofs'/></filesystem>"}) {
        auto seen = sight_in("<domain><devices>" + std::string(device) + "</devices></domain>");
        ASSERT_TRUE(seen);
        seen->is_running = true;
        EXPECT_EQ(may_be_punched(*seen).error().code, ErrorCode::refused) << device;
    }
}

TEST(APause, OfOursIsKnownAlsoByTheJobThatBeganBesideItAndHasFailed) {
    for (const bool has_job : {false, true}) EXPECT_TRUE(may_be_our_pause(VIR_DOMAIN_PAUSED_USER, has_job));
    for (const int job : {VIR_DOMAIN_PAUSED_MIGRATION, VIR_DOMAIN_PAUSED_SNAPSHOT}) {
        EXPECT_TRUE(may_be_our_pause(job, false)) << job;
        EXPECT_FALSE(may_be_our_pause(job, true)) << job << ": it is the job's";
    }
    for (const int other : {VIR_DOMAIN_PAUSED_IOERROR, VIR_DOMAIN_PAUSED_SAVE, VIR_DOMAIN_PAUSED_DUMP,
                            VIR_DOMAIN_PAUSED_CRASHED, VIR_DOMAIN_PAUSED_POSTCOPY_FAILED, VIR_DOMAIN_PAUSED_UNKNOWN}) {
        EXPECT_FALSE(may_be_our_pause(other, false)) << other;
    }
}

TEST(ADescription, OfAPlainDomainHidesNothing) {
    auto seen = sight_in(
        "<domain><memoryBacking><source type='memfd'/></memoryBacking><devices><disk type='file'/>"
        "<interface type='network'/></devices></domain>");
    ASSERT_TRUE(seen);
    EXPECT_THAT(seen->devices, IsEmpty());
    EXPECT_FALSE(seen->locks_memory);
    EXPECT_TRUE(sight_in("<domain><memoryBacking><locked/></memoryBacking></domain>")->locks_memory);
    for (const char* text : {"", "<domain", "<pool/>"}) EXPECT_FALSE(sight_in(text)) << text;
}

}  // namespace
}  // namespace aerostat::balloon::host
