#pragma once

#include <jni.h>

#include <array>
#include <optional>

#include "contract/condition_page.h"
#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_class.h"

namespace aerostat::agent {

/// The guest's memory condition as figures for Java: as GuestMemory.java has them. -1: unknown.
using ConditionFigures = std::array<jlong, 12>;

[[nodiscard]] inline ConditionFigures condition_figures(const std::optional<ConditionState>& state) {
    constexpr jlong kUnknown = -1;
    ConditionFigures figures;
    figures.fill(kUnknown);
    figures[0] = static_cast<jlong>(ConditionValidity::no_daemon);
    if (!state || state->validity == static_cast<std::uint32_t>(ConditionValidity::no_daemon)) return figures;
    // 32-bit "unknown" is -1 as a signed number; sizes are unknown as 64-bit -1.
    const auto number = [](std::uint32_t value) { return static_cast<jlong>(static_cast<std::int32_t>(value)); };
    const auto size = [](std::uint64_t value) { return static_cast<jlong>(value); };
    return {number(state->validity),
            number(state->level),
            number(state->trend),
            number(state->host_level),
            size(state->available_bytes),
            size(state->suggested_release_bytes),
            size(state->java_ballooned_bytes),
            size(state->guest_ballooned_bytes),
            size(state->guest_target_bytes),
            size(state->guest_total_bytes),
            size(state->updated_ns),
            size(state->stale_after_ns)};
}

/// The class of the MXBean org.aerostat:type=GuestMemory: an array written in place, under a version that is odd meanwhile.
/// HeapBalloon's thread registers it. Thread: agent thread.
class ConditionBean {
public:
    explicit ConditionBean(JNIEnv* env) : env_(env) {}

    /// Events need the class, too: whoever comes first loads it.
    Status load() {
        if (figures_ != nullptr) return {};
        if (auto type = define_shim(env_, "org/aerostat/agent/GuestMemoryMXBean"); !type)
            return tl::unexpected(type.error());
        const auto type = define_shim(env_, "org/aerostat/agent/GuestMemory");
        if (!type) return tl::unexpected(type.error());
        type_ = *type;
        version_ = env_->GetStaticFieldID(type_, "version", "I");
        const jfieldID field = version_ != nullptr ? env_->GetStaticFieldID(type_, "FIGURES", "[J") : nullptr;
        if (field != nullptr) {
            const LocalRef<> found(env_, env_->GetStaticObjectField(type_, field));
            figures_ = static_cast<jlongArray>(env_->NewGlobalRef(found.get()));
        }
        if (clear_exception(env_) || figures_ == nullptr)
            return fail(ErrorCode::unsupported, "the MXBean's class cannot be used");
        return {};
    }

    void write(const std::optional<ConditionState>& state) {
        if (figures_ == nullptr) return;
        const ConditionFigures figures = condition_figures(state);
        env_->SetStaticIntField(type_, version_, static_cast<jint>(++counted_ & 0x7fffffffU));
        env_->SetLongArrayRegion(figures_, 0, static_cast<jsize>(figures.size()), figures.data());
        env_->SetStaticIntField(type_, version_, static_cast<jint>(++counted_ & 0x7fffffffU));
        clear_exception(env_);
    }

private:
    JNIEnv* env_;
    jclass type_ = nullptr;  // this and the array: global, for the rest of the process
    jlongArray figures_ = nullptr;
    jfieldID version_ = nullptr;
    std::uint32_t counted_ = 0;
};

}  // namespace aerostat::agent
