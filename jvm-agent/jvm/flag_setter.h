#pragma once

#include <jni.h>

#include "jvm-agent/jvm/hotspot_flags.h"
#include "jvm-agent/jvm/ports.h"

namespace aerostat::agent {

/// Reads flags from HotSpot's table and sets manageable ones through HotSpotDiagnosticMXBean.setVMOption, which checks
/// them. The Java class for it is defined at the first set() and not before.
/// Thread: agent thread.
class FlagSetter final : public FlagPort {
public:
    FlagSetter(JNIEnv* env, HotspotFlags flags) : env_(env), flags_(flags) {}
    [[nodiscard]] std::optional<FlagState> read(std::string_view name) override { return flags_.read(name); }
    Status set(const FlagSetting& setting) override;

private:
    Status load_shim();

    JNIEnv* env_;
    HotspotFlags flags_;
    jclass shim_ = nullptr;  // global, for the rest of the process
    jmethodID set_ = nullptr;
};

}  // namespace aerostat::agent
