#pragma once

#include <jni.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/fake_java_memory.h"

namespace aerostat::testing {

/// A JNIEnv of our own over a small Java heap, so that the agent's adapters run without a JVM: under sanitizers, with every
/// failure on demand, and with JNI's rules enforced. It knows long arrays, SoftReference and Runtime, and ends the process
/// at any function that it does not have.
///
/// It complains of calls that JNI forbids while an exception is pending or a critical section is open, of references that
/// are dead or of the wrong kind, and at its end of those left. Classes and the one Runtime may be kept for ever.
/// Thread: one.
class FakeJni {
public:
    using Complaint = std::function<void(const std::string&)>;
    static constexpr unsigned char kElement = 0xa5;  ///< arrays are full of it, so that zeroes tell what was released
    static constexpr std::uintptr_t kHeader = 16;    ///< from an array's first byte to its elements

    struct Array {
        procfs::AddressRange payload;
    };
    /// java.lang.Runtime, as the collector would answer. `between` is called after each answer.
    struct RuntimeAnswers {
        Bytes total, free, max;
        int collections = 0;
        std::function<void()> between;
    };

    FakeJni(FakeJavaMemory& memory, Complaint complain);
    ~FakeJni();
    FakeJni(const FakeJni&) = delete;
    FakeJni& operator=(const FakeJni&) = delete;
    [[nodiscard]] JNIEnv* env() { return &env_; }

    // What a test makes happen.
    /// The next array begins there, header included; others follow one another from the heap's first byte on.
    void place_next_array(std::uintptr_t at) { next_place_ = at; }
    /// The next call of a JNI function fails, after `skip` that succeed: with a pending exception where JNI has it so.
    /// Java methods and fields go by their own names, such as "refersTo".
    void refuse(const std::string& function, int skip = 0) { refusals_[function] = skip; }
    [[nodiscard]] bool was_refused() const { return refusals_.empty(); }
    /// As under -Xcheck:jni.
    void hand_out_copies() { copies_ = true; }
    /// The collector moves the youngest array there as soon as so many more sections have ended. Its old place is taken by
    /// objects of the program.
    void move_array_after(int sections, std::uintptr_t to) { move_ = Move{sections, to}; }
    void at_section_end(std::function<void(const Array&)> what) { at_section_end_ = std::move(what); }
    /// Called with each array that is allocated, as a collection may come then.
    std::function<void()> at_allocation;
    /// The collector clears soft references to what nothing else holds. Returns how many.
    int clear_soft_references();
    /// The collector frees what nothing holds.
    void collect();
    void set_soft_clock(jlong clock) { soft_clock_ = clock; }
    RuntimeAnswers runtime;
    /// Of the boot loader, loaded by the program: what JVM_FindLoadedClass() finds.
    std::set<std::string> loaded_classes;
    /// What the agent's own class Thresholds answers.
    jlong lowest_threshold = 0;
    int threshold_questions = 0;
    std::vector<std::string> defined_classes;

    // What a test looks at.
    [[nodiscard]] std::vector<Array> arrays() const;
    [[nodiscard]] jlong timestamp_of(jobject soft) const;
    [[nodiscard]] std::size_t soft_references() const;
    [[nodiscard]] int sections() const { return sections_; }
    [[nodiscard]] int referents_loaded() const { return referents_loaded_; }
    /// Calls of GetArrayLength() inside of a section. HotSpot allows them, the specification does not.
    [[nodiscard]] int lengths_asked_inside() const { return lengths_asked_inside_; }
    [[nodiscard]] bool exception_is_pending() const { return !exception_.empty(); }
    [[nodiscard]] std::size_t local_references() const;
    [[nodiscard]] std::size_t global_references() const;  ///< without those that may be kept for ever

private:
    friend struct FakeJniTable;
    enum class Type { type, array, soft, runtime, text };
    struct Object {
        Type type = Type::type;
        std::string name;  ///< of a class; the text of a text
        Array array;
        Object* referent = nullptr;
        jlong timestamp = 0;
    };
    struct Handle {
        Object* object = nullptr;  ///< null: deleted
        bool global = false;
    };
    struct Env : JNIEnv_ {
        FakeJni* jni = nullptr;
    };
    struct Move {
        int sections;
        std::uintptr_t to;
    };
    struct Section {
        const Object* array;
        void* address;
        std::vector<unsigned char> copy;
    };
    /// When JNI allows a function to be called.
    enum class Rule { plain, despite_exception, of_section };

    void enter(const char* function, Rule rule = Rule::plain);
    [[nodiscard]] bool refuses(const std::string& function);
    void raise(const char* exception) { exception_ = exception; }
    [[nodiscard]] Object* object_of(jobject handle, const char* use);
    [[nodiscard]] Handle* handle_of(jobject handle);
    jobject make_handle(Object* object, bool global);
    void delete_handle(jobject handle, bool global);
    Object* make_object(Type type);
    [[nodiscard]] bool is_held(const Object& object) const;
    jlongArray new_long_array(jsize length);
    void* begin_section(jobject array);
    void end_section(jobject array, void* address, jint mode);
    void end_copy(Section& section, jint mode);
    void move_array(Object& array, std::uintptr_t to);

    FakeJavaMemory& memory_;
    Complaint complain_;
    Env env_;
    std::vector<std::unique_ptr<Object>> objects_;
    std::vector<Handle> handles_;
    std::map<std::string, int> refusals_;
    std::string exception_;
    std::optional<std::uintptr_t> next_place_;
    std::uintptr_t top_ = 0;
    std::optional<Move> move_;
    std::optional<Section> section_;
    std::function<void(const Array&)> at_section_end_;
    jlong soft_clock_ = 0;
    bool copies_ = false;
    int sections_ = 0, referents_loaded_ = 0, lengths_asked_inside_ = 0;
};

}  // namespace aerostat::testing
