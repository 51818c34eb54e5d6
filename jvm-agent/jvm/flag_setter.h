#pragma once

#include <jni.h>

#include "jvm-agent/jvm/hotspot_flags.h"
#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// Reads flags from HotSpot's table and sets manageable ones through HotSpotDiagnosticMXBean.setVMOption, which checks
/// them. The Java class for it is defined at the first set() and not before. What is no manageable flag it refuses, but for
/// the one that HotspotFlags::store() knows, where the operator allows that. Thread: agent thread.
class FlagSetter final : public FlagPort {
public:
    FlagSetter(JNIEnv* env, HotspotFlags flags, bool may_store = false) : env_(env), flags_(flags), may_store_(may_store) {}
    [[nodiscard]] std::optional<FlagState> read(std::string_view name) override { return flags_.read(name); }
    Status set(const FlagSetting& setting) override;

private:
    Status load_shim();

    JNIEnv* env_;
    HotspotFlags flags_;
    bool may_store_;
    jclass shim_ = nullptr;  // global, for the rest of the process
    jmethodID set_ = nullptr;
};

}  // namespace aerostat::agent
