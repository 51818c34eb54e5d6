#include "jvm-agent/jvm/java_side.h"

#include <array>

#include "jvm-agent/jvm/condition_bean.h"
#include "jvm-agent/jvm/refs.h"
#include "jvm-agent/jvm/shim_class.h"

namespace aerostat::agent {
namespace {

// As HeapBalloon.java has them.
constexpr jsize kFigures = 11;
constexpr std::size_t kWordsBytes = 512;
constexpr std::size_t kLongestWord = kWordsBytes / 4 - 1;

jlong number(Bytes bytes) { return static_cast<jlong>(bytes.count()); }

std::array<jlong, kFigures> figures_of(const BalloonView& view) {
    return {number(view.balloon.granted),
            number(saturating_sub(view.balloon.granted, view.verified)),
            number(view.verified),
            static_cast<jlong>(view.refills),
            static_cast<jlong>(view.cleared),
            number(view.floor),
            number(view.footprint.resident),
            view.target ? number(view.target->footprint) : -1,
            number(view.last.asked),
            number(view.last.obtained),
            view.last.elapsed.count()};
}

std::array<jbyte, kWordsBytes> words_of(const BalloonView& view) {
    std::string lines;
    const std::string reason(view.last.op.empty() ? "" : to_string(view.last.reason));
    for (const std::string& word : {view.collector, view.distress, view.last.op, reason})
        lines += word.substr(0, kLongestWord) + '\n';
    std::array<jbyte, kWordsBytes> bytes{};
    std::copy(lines.begin(), lines.end(), bytes.begin());
    return bytes;
}

/// The MXBean's class. Its arrays are written in place, under a version that is odd meanwhile.
class Bean {
public:
    explicit Bean(JNIEnv* env) : env_(env) {}

    Status load() {
        if (auto type = define_shim(env_, "org/aerostat/agent/HeapBalloonMXBean"); !type)
            return tl::unexpected(type.error());
        const auto type = define_shim(env_, "org/aerostat/agent/HeapBalloon");
        if (!type) return tl::unexpected(type.error());
        type_ = *type;
        version_ = env_->GetStaticFieldID(type_, "version", "I");
        if (version_ != nullptr) enabled_ = env_->GetStaticFieldID(type_, "enabled", "Z");
        if (enabled_ != nullptr) failed_ = env_->GetStaticFieldID(type_, "failed", "Z");
        if (failed_ != nullptr) figures_ = static_cast<jlongArray>(array("FIGURES", "[J"));
        if (figures_ != nullptr) words_ = static_cast<jbyteArray>(array("WORDS", "[B"));
        if (words_ != nullptr) register_ = env_->GetStaticMethodID(type_, "register", "()V");
        if (clear_exception(env_) || register_ == nullptr)
            return fail(ErrorCode::unsupported, "the MXBean's class cannot be used");
        return {};
    }

    Status register_it() {
        env_->CallStaticVoidMethod(type_, register_);
        if (clear_exception(env_)) return fail(ErrorCode::unsupported, "no thread could be made to register the MXBean");
        return {};
    }

    void write(const BalloonView& view) {
        const auto figures = figures_of(view);
        const auto words = words_of(view);
        env_->SetStaticIntField(type_, version_, static_cast<jint>(++counted_ & 0x7fffffff));
        env_->SetLongArrayRegion(figures_, 0, kFigures, figures.data());
        env_->SetByteArrayRegion(words_, 0, kWordsBytes, words.data());
        env_->SetStaticIntField(type_, version_, static_cast<jint>(++counted_ & 0x7fffffff));
        clear_exception(env_);
    }

    [[nodiscard]] bool is_enabled() const { return env_->GetStaticBooleanField(type_, enabled_) == JNI_TRUE; }
    [[nodiscard]] bool has_failed() const { return env_->GetStaticBooleanField(type_, failed_) == JNI_TRUE; }

private:
    jobject array(const char* name, const char* signature) {
        const jfieldID field = env_->GetStaticFieldID(type_, name, signature);
        if (field == nullptr) return nullptr;
        const LocalRef<> found(env_, env_->GetStaticObjectField(type_, field));
        return env_->NewGlobalRef(found.get());
    }

    JNIEnv* env_;
    jclass type_ = nullptr;  // this and the arrays: global, for the rest of the process
    jlongArray figures_ = nullptr;
    jbyteArray words_ = nullptr;
    jfieldID version_ = nullptr, enabled_ = nullptr, failed_ = nullptr;
    jmethodID register_ = nullptr;
    std::uint32_t counted_ = 0;
};

/// The event classes, defined in two steps: what asks whether anybody records, and then the events.
class FlightEvents {
public:
    FlightEvents(JNIEnv* env, ConditionBean& guest) : env_(env), guest_(guest) {}

    Status record(const BalloonEvent& event) {
        if (const auto wanted = is_wanted(); !wanted || !*wanted) return status_of(wanted);
        const LocalRef<jstring> cause(env_, env_->NewStringUTF(event.cause.c_str()));
        if (!clear_exception(env_))
            env_->CallStaticVoidMethod(flight_, commit_, static_cast<jint>(event.kind), number(event.bytes),
                                       number(event.after.granted), cause.get());
        if (clear_exception(env_)) return fail(ErrorCode::unsupported, "an event could not be written");
        return {};
    }

    Status record(const std::optional<ConditionState>& state) {
        if (const auto wanted = is_wanted(); !wanted || !*wanted) return status_of(wanted);
        const ConditionFigures of = condition_figures(state);
        env_->CallStaticVoidMethod(flight_, commit_condition_, of[0], of[1], of[2], of[4], of[5]);
        if (clear_exception(env_)) return fail(ErrorCode::unsupported, "an event could not be written");
        return {};
    }

private:
    static Status status_of(const Result<bool>& wanted) { return wanted ? Status() : tl::unexpected(wanted.error()); }

    /// Whether anybody records; the event classes are there then.
    Result<bool> is_wanted() {
        if (auto asks = load_asking(); !asks) return tl::unexpected(asks.error());
        if (defined_) return true;
        const bool recording = env_->CallStaticBooleanMethod(flight_, is_recording_) == JNI_TRUE;
        if (clear_exception(env_)) return fail(ErrorCode::unsupported, "this Java runtime has no module jdk.jfr");
        if (!recording) return false;
        if (auto all = define_events(); !all) return tl::unexpected(all.error());
        return true;
    }

    Status load_asking() {
        if (flight_ != nullptr) return {};
        const auto defined = define_shim(env_, "org/aerostat/agent/Flight");
        if (!defined) return tl::unexpected(defined.error());
        flight_ = *defined;
        is_recording_ = env_->GetStaticMethodID(flight_, "isRecording", "()Z");
        if (is_recording_ != nullptr) commit_ = env_->GetStaticMethodID(flight_, "commit", "(IJJLjava/lang/String;)V");
        if (commit_ != nullptr) commit_condition_ = env_->GetStaticMethodID(flight_, "commitCondition", "(JJJJJ)V");
        if (clear_exception(env_) || commit_condition_ == nullptr)
            return fail(ErrorCode::unsupported, "this Java runtime has no module jdk.jfr");
        return {};
    }

    Status define_events() {
        if (auto loaded = guest_.load(); !loaded) return loaded;
        for (const char* name : {"org/aerostat/agent/Flight$Change", "org/aerostat/agent/Flight$Inflate",
                                 "org/aerostat/agent/Flight$Deflate", "org/aerostat/agent/Flight$Refill",
                                 "org/aerostat/agent/Flight$Guard", "org/aerostat/agent/Flight$GuestMemoryChange"}) {
            if (auto type = define_shim(env_, name); !type) return tl::unexpected(type.error());
        }
        defined_ = true;
        return {};
    }

    JNIEnv* env_;
    ConditionBean& guest_;
    jclass flight_ = nullptr;
    jmethodID is_recording_ = nullptr, commit_ = nullptr, commit_condition_ = nullptr;
    bool defined_ = false;
};

class JavaSide final : public ProgramPort {
public:
    explicit JavaSide(const VmSight& vm) : flags_(vm.flags), bean_(vm.env), guest_(vm.env), events_(vm.env, guest_) {}

    Status offer(const BalloonView& view) override {
        if (std::exchange(tried_, true)) return {};
        if (auto loaded = bean_.load(); !loaded) return loaded;
        if (auto loaded = guest_.load(); !loaded) return loaded;
        guest_.write(std::nullopt);
        bean_.write(view);
        if (auto registered = bean_.register_it(); !registered) return registered;
        offered_ = true;
        return {};
    }

    [[nodiscard]] bool is_offered() const override { return offered_; }

    Status publish(const BalloonView& view) override {
        if (!offered_) return {};
        if (bean_.has_failed()) {
            offered_ = false;
            return fail(ErrorCode::unsupported,
                        "the MXBean could not be registered: no module java.management, or its name is taken");
        }
        bean_.write(view);
        return {};
    }

    void publish_condition(const std::optional<ConditionState>& state) override {
        if (offered_) guest_.write(state);
    }

    [[nodiscard]] bool is_switched_off() override { return offered_ && !bean_.is_enabled(); }

    Status record(const BalloonEvent& event) override { return record_any(event); }
    Status record_condition(const std::optional<ConditionState>& state) override { return record_any(state); }

private:
    template <class Event>
    Status record_any(const Event& event) {
        // HotSpot turns this flag on itself when flight recording is first set up: until then this is all it costs.
        if (mute_ || !flags_.is_on("FlightRecorder")) return {};
        auto recorded = events_.record(event);
        mute_ = !recorded;
        return recorded;
    }

    HotspotFlags flags_;
    Bean bean_;
    ConditionBean guest_;
    FlightEvents events_;
    bool tried_ = false, offered_ = false, mute_ = false;
};

}  // namespace

std::unique_ptr<ProgramPort> make_java_side(const VmSight& vm) { return std::make_unique<JavaSide>(vm); }

}  // namespace aerostat::agent
