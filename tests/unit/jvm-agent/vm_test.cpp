#include "jvm-agent/jvm/vm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tests/support/fake_jvmti.h"

namespace aerostat::agent {
namespace {

using ::testing::ElementsAre;
using testing::FakeJvmti;
using ::testing::HasSubstr;

struct Listener final : VmListener {
    void on_ready() override { ++ready; }
    void on_death() override { ++dead; }
    int ready = 0, dead = 0;
};

class VmTest : public ::testing::Test {
protected:
    Vm opened() { return Vm::open(fake.vm()).value(); }
    Status subscribed(bool already_running = false) { return opened().subscribe(signals, listener, already_running); }

    FakeJvmti fake;
    GcSignals signals;
    Listener listener;
};

TEST_F(VmTest, IsToldByItsVersion) {
    fake.version = (25 << JVMTI_VERSION_SHIFT_MAJOR) | (1 << JVMTI_VERSION_SHIFT_MINOR);
    EXPECT_EQ(opened().major_version(), 25);
    EXPECT_EQ(opened().java_vm(), fake.vm());
    EXPECT_TRUE(fake.calls.empty()) << "looking changes nothing";
}

TEST_F(VmTest, SaysWhatAnUnfitOneLacks) {
    fake.version = 11 << JVMTI_VERSION_SHIFT_MAJOR;
    EXPECT_THAT(Vm::open(fake.vm()).error().message, HasSubstr("JDK 11 is too old: 17 or later"));
    fake.errors["GetVersionNumber"] = JVMTI_ERROR_WRONG_PHASE;
    EXPECT_THAT(Vm::open(fake.vm()).error().message, HasSubstr("asking the version: JVMTI error 112"));
    fake.environments.clear();
    const auto none = Vm::open(fake.vm());
    EXPECT_EQ(none.error().code, ErrorCode::unsupported);
    EXPECT_THAT(none.error().message, HasSubstr("no JVMTI 11"));
}

TEST_F(VmTest, EventsComeOnlyWhenAllIsReadyForThem) {
    ASSERT_TRUE(subscribed());
    const std::string enable = "SetEventNotificationMode";
    EXPECT_THAT(fake.calls, ElementsAre("AddCapabilities", "SetEnvironmentLocalStorage", "SetEventCallbacks", enable, enable,
                                        enable, enable));
    EXPECT_THAT(fake.events, ElementsAre(JVMTI_EVENT_GARBAGE_COLLECTION_START, JVMTI_EVENT_GARBAGE_COLLECTION_FINISH,
                                         JVMTI_EVENT_VM_DEATH, JVMTI_EVENT_VM_INIT));
}

TEST_F(VmTest, NoCapabilityIsAskedForThatIsNotNeeded) {
    ASSERT_TRUE(subscribed());
    jvmtiCapabilities needed{};
    needed.can_generate_garbage_collection_events = 1;
    EXPECT_EQ(std::memcmp(&fake.capabilities, &needed, sizeof needed), 0);
}

TEST_F(VmTest, InAJvmThatRunsNobodyWaitsForItsBeginning) {
    ASSERT_TRUE(subscribed(true));
    EXPECT_THAT(fake.events, ElementsAre(JVMTI_EVENT_GARBAGE_COLLECTION_START, JVMTI_EVENT_GARBAGE_COLLECTION_FINISH,
                                         JVMTI_EVENT_VM_DEATH));
}

TEST_F(VmTest, ARefusalIsSaidByItsStepAndEndsTheRest) {
    const std::pair<const char*, const char*> steps[] = {{"SetEventNotificationMode", "enabling events"},
                                                         {"SetEventCallbacks", "setting callbacks"},
                                                         {"SetEnvironmentLocalStorage", "storing the listener"},
                                                         {"AddCapabilities", "asking for GC events"}};
    for (const auto& [function, action] : steps) {
        fake.errors[function] = JVMTI_ERROR_NOT_AVAILABLE;
        fake.calls.clear();
        const Status refused = subscribed();
        ASSERT_FALSE(refused) << function;
        EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
        EXPECT_EQ(refused.error().message, std::string(action) + ": JVMTI error 98");
        EXPECT_EQ(fake.calls.back(), function);
    }
    EXPECT_TRUE(fake.events.empty());
}

TEST_F(VmTest, EventsReachWhoeverSubscribed) {
    ASSERT_TRUE(subscribed());
    fake.callbacks.VMInit(fake.jvmti(), nullptr, nullptr);
    EXPECT_EQ(listener.ready, 1);
    fake.callbacks.GarbageCollectionStart(fake.jvmti());
    EXPECT_EQ(signals.finished, 0U);
    fake.callbacks.GarbageCollectionFinish(fake.jvmti());
    EXPECT_EQ(signals.finished, 1U);
    EXPECT_TRUE(signals.pauses.p99_since_last());
    fake.callbacks.VMDeath(fake.jvmti(), nullptr);
    EXPECT_EQ(listener.dead, 1);
}

TEST_F(VmTest, PausesOfAllThreadsReachTheSameSignals) {
    ASSERT_TRUE(subscribed(true));
    for (int i = 0; i < 8; ++i) {  // one after the other, as pauses are
        std::thread collector([this] {
            fake.callbacks.GarbageCollectionStart(fake.jvmti());
            fake.callbacks.GarbageCollectionFinish(fake.jvmti());
        });
        collector.join();
    }
    EXPECT_EQ(signals.finished, 8U);
}

TEST_F(VmTest, AnEventWithoutItsSubscriptionIsLetPass) {
    ASSERT_TRUE(subscribed());
    fake.errors["GetEnvironmentLocalStorage"] = JVMTI_ERROR_INVALID_ENVIRONMENT;
    fake.callbacks.GarbageCollectionStart(fake.jvmti());
    fake.callbacks.GarbageCollectionFinish(fake.jvmti());
    fake.callbacks.VMInit(fake.jvmti(), nullptr, nullptr);
    fake.callbacks.VMDeath(fake.jvmti(), nullptr);
    EXPECT_EQ(signals.finished, 0U);
    EXPECT_EQ(listener.ready + listener.dead, 0);
}

TEST_F(VmTest, ItsJavaVersionIsTheNumberOnly) {
    EXPECT_EQ(opened().java_version(), "17.0.21");
    fake.vm_version = "25-ea";
    EXPECT_EQ(opened().java_version(), "25");
    fake.vm_version = "21.0.4";
    EXPECT_EQ(opened().java_version(), "21.0.4");
    EXPECT_EQ(fake.not_deallocated, 0);
    fake.errors["GetSystemProperty"] = JVMTI_ERROR_NOT_AVAILABLE;
    EXPECT_EQ(opened().java_version(), "");
}

TEST_F(VmTest, AThreadAttachesByItsNameOrNotAtAll) {
    JNIEnv mine{};
    fake.attached = &mine;
    EXPECT_EQ(opened().attach_daemon("aerostat"), &mine);
    EXPECT_EQ(fake.attached_as, "aerostat");
    fake.attaches = false;
    EXPECT_EQ(opened().attach_daemon("aerostat"), nullptr) << "it is going down";
    EXPECT_EQ(opened().current_env(), nullptr);
    fake.environments[JNI_VERSION_10] = &mine;
    EXPECT_EQ(opened().current_env(), &mine);
}

}  // namespace
}  // namespace aerostat::agent
