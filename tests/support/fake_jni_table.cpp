#include "tests/support/fake_jni_table.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/support/fake_jni.h"

namespace aerostat::testing {
namespace {

constexpr const char* kSoft = "java/lang/ref/SoftReference";
constexpr const char* kRuntime = "java/lang/Runtime";
constexpr const char* kThresholds = "org/aerostat/agent/Thresholds";

/// A method or field that the fake's Java has. Its address is its ID.
struct Member {
    const char* type;
    const char* name;
    const char* signature;
    bool is_static = false;
};

const Member kMembers[] = {
    {kSoft, "<init>", "(Ljava/lang/Object;)V"},
    {kSoft, "clear", "()V"},
    {kSoft, "get", "()Ljava/lang/Object;"},
    {kSoft, "refersTo", "(Ljava/lang/Object;)Z"},
    {kSoft, "timestamp", "J"},
    {kSoft, "clock", "J", true},
    {kRuntime, "getRuntime", "()Ljava/lang/Runtime;", true},
    {kRuntime, "totalMemory", "()J"},
    {kRuntime, "freeMemory", "()J"},
    {kRuntime, "maxMemory", "()J"},
    {kRuntime, "gc", "()V"},
    {kThresholds, "lowest", "()J", true},
};

template <class Id>
bool is(Id id, const char* name) {
    const auto* const member = reinterpret_cast<const Member*>(id);
    return member != nullptr && std::strcmp(member->name, name) == 0;
}

template <class Id>
std::string name_of(Id id) {
    return reinterpret_cast<const Member*>(id)->name;
}

void unknown_function() {
    std::fputs("a JNI function was called that the fake does not have\n", stderr);
    std::abort();
}

}  // namespace

/// The functions themselves; each is named after the one of JNI that it stands for.
struct FakeJniTable {
    using Rule = FakeJni::Rule;
    using Type = FakeJni::Type;

    static FakeJni& of(JNIEnv* env) { return *static_cast<FakeJni::Env*>(env)->jni; }

    /// Java code that throws instead of doing what it should.
    static bool throws(FakeJni& jni, const std::string& member) {
        if (!jni.refuses(member)) return false;
        jni.raise("OutOfMemoryError");
        return true;
    }

    static const Member* find_member(JNIEnv* env, jclass type, const char* name, const char* signature, bool is_static) {
        FakeJni& jni = of(env);
        jni.enter("looking a member up");
        const FakeJni::Object* const owner = jni.object_of(type, "looking a member up");
        const auto* const found = std::find_if(std::begin(kMembers), std::end(kMembers), [&](const Member& one) {
            return owner != nullptr && owner->name == one.type && std::strcmp(one.name, name) == 0 &&
                   std::strcmp(one.signature, signature) == 0 && one.is_static == is_static;
        });
        if (found != std::end(kMembers) && !jni.refuses(std::string("lookup of ") + name)) return found;
        jni.raise("NoSuchMemberError");
        return nullptr;
    }
    template <class Id, bool kStatic>
    static Id look_up(JNIEnv* env, jclass type, const char* name, const char* signature) {
        return reinterpret_cast<Id>(const_cast<Member*>(find_member(env, type, name, signature, kStatic)));
    }

    static jclass find_class(JNIEnv* env, const char* name) {
        FakeJni& jni = of(env);
        jni.enter("FindClass");
        const bool known = std::any_of(std::begin(kMembers), std::end(kMembers),
                                       [&](const Member& m) { return !std::strcmp(m.type, name); });
        if (!known || jni.refuses("FindClass")) {
            jni.raise("NoClassDefFoundError");
            return nullptr;
        }
        FakeJni::Object* const type = jni.make_object(Type::type);
        type->name = name;
        return static_cast<jclass>(jni.make_handle(type, false));
    }

    static jobject new_named(FakeJni& jni, Type type, const std::string& name) {
        FakeJni::Object* const object = jni.make_object(type);
        object->name = name;
        return jni.make_handle(object, false);
    }
    static jclass define_class(JNIEnv* env, const char* name, jobject, const jbyte*, jsize) {
        FakeJni& jni = of(env);
        jni.enter("DefineClass");
        if (jni.refuses("DefineClass")) {
            jni.raise("LinkageError");
            return nullptr;
        }
        jni.defined_classes.emplace_back(name);
        return static_cast<jclass>(new_named(jni, Type::type, name));
    }
    static jstring new_text(JNIEnv* env, const char* text) {
        FakeJni& jni = of(env);
        jni.enter("NewStringUTF");
        return throws(jni, "NewStringUTF") ? nullptr : static_cast<jstring>(new_named(jni, Type::text, text));
    }
    static jlong call_static_long(JNIEnv* env, jclass type, jmethodID method, va_list) {
        FakeJni& jni = of(env);
        jni.enter("CallStaticLongMethod");
        if (jni.object_of(type, "lowest") == nullptr || throws(jni, "lowest")) return 0;
        if (!is(method, "lowest")) unknown_function();
        ++jni.threshold_questions;
        return jni.lowest_threshold;
    }
    /// As libjvm.so's function of this name: looks, and loads nothing.
    static jclass find_loaded_class(JNIEnv* env, jobject loader, jstring text) {
        FakeJni& jni = of(env);
        jni.enter("JVM_FindLoadedClass");
        const FakeJni::Object* const name = jni.object_of(text, "JVM_FindLoadedClass");
        if (loader != nullptr || name == nullptr || jni.loaded_classes.count(name->name) == 0) return nullptr;
        return static_cast<jclass>(new_named(jni, Type::type, name->name));
    }

    static jobject new_global_ref(JNIEnv* env, jobject local) {
        FakeJni& jni = of(env);
        jni.enter("NewGlobalRef");
        FakeJni::Object* const object = jni.object_of(local, "NewGlobalRef");
        return jni.refuses("NewGlobalRef") ? nullptr : jni.make_handle(object, true);
    }
    template <bool kGlobal>
    static void delete_ref(JNIEnv* env, jobject reference) {
        of(env).enter(kGlobal ? "DeleteGlobalRef" : "DeleteLocalRef", Rule::despite_exception);
        of(env).delete_handle(reference, kGlobal);
    }

    static jboolean exception_check(JNIEnv* env) {
        of(env).enter("ExceptionCheck", Rule::despite_exception);
        return of(env).exception_is_pending() ? JNI_TRUE : JNI_FALSE;
    }
    static void exception_clear(JNIEnv* env) {
        of(env).enter("ExceptionClear", Rule::despite_exception);
        of(env).exception_.clear();
    }

    static jlongArray new_long_array(JNIEnv* env, jsize length) {
        of(env).enter("NewLongArray");
        return of(env).new_long_array(length);
    }
    static jsize get_array_length(JNIEnv* env, jarray array) {
        FakeJni& jni = of(env);
        jni.enter("GetArrayLength");
        const FakeJni::Object* const object = jni.object_of(array, "GetArrayLength");
        return object == nullptr ? 0 : static_cast<jsize>(object->array.payload.size().count() / sizeof(jlong));
    }
    static void* get_critical(JNIEnv* env, jarray array, jboolean* is_copy) {
        FakeJni& jni = of(env);
        jni.enter("GetPrimitiveArrayCritical");
        if (is_copy != nullptr) *is_copy = jni.copies_ ? JNI_TRUE : JNI_FALSE;
        return jni.begin_section(array);
    }
    static void release_critical(JNIEnv* env, jarray array, void* address, jint mode) {
        of(env).enter("ReleasePrimitiveArrayCritical", Rule::of_section);
        of(env).end_section(array, address, mode);
    }

    static jobject new_object(JNIEnv* env, jclass type, jmethodID method, va_list arguments) {
        FakeJni& jni = of(env);
        jni.enter("NewObject");
        const FakeJni::Object* const owner = jni.object_of(type, "NewObject");
        if (owner == nullptr || owner->name != kSoft || !is(method, "<init>")) unknown_function();
        FakeJni::Object* const referent = jni.object_of(va_arg(arguments, jobject), "NewObject");
        if (throws(jni, "NewObject")) return nullptr;
        FakeJni::Object* const soft = jni.make_object(Type::soft);
        soft->referent = referent;
        soft->timestamp = jni.soft_clock_;
        return jni.make_handle(soft, false);
    }
    static jboolean call_boolean(JNIEnv* env, jobject on, jmethodID method, va_list arguments) {
        FakeJni& jni = of(env);
        jni.enter("CallBooleanMethod");
        const FakeJni::Object* const soft = jni.object_of(on, "refersTo");
        if (!is(method, "refersTo") || va_arg(arguments, jobject) != nullptr) unknown_function();
        if (soft == nullptr || throws(jni, "refersTo")) return JNI_FALSE;
        return soft->referent == nullptr ? JNI_TRUE : JNI_FALSE;
    }
    static jobject call_object(JNIEnv* env, jobject on, jmethodID method, va_list) {
        FakeJni& jni = of(env);
        jni.enter("CallObjectMethod");
        FakeJni::Object* const soft = jni.object_of(on, "get");
        if (!is(method, "get")) unknown_function();
        if (soft == nullptr || throws(jni, "get")) return nullptr;
        soft->timestamp = jni.soft_clock_;  // as SoftReference.get() does
        ++jni.referents_loaded_;
        return jni.make_handle(soft->referent, false);
    }
    static void call_void(JNIEnv* env, jobject on, jmethodID method, va_list) {
        FakeJni& jni = of(env);
        jni.enter("CallVoidMethod");
        FakeJni::Object* const object = jni.object_of(on, "CallVoidMethod");
        if (object == nullptr || throws(jni, name_of(method))) return;
        if (is(method, "clear"))
            object->referent = nullptr;
        else if (is(method, "gc"))
            ++jni.runtime.collections;
        else
            unknown_function();
    }
    static jobject call_static_object(JNIEnv* env, jclass type, jmethodID method, va_list) {
        FakeJni& jni = of(env);
        jni.enter("CallStaticObjectMethod");
        if (jni.object_of(type, "getRuntime") == nullptr || throws(jni, "getRuntime")) return nullptr;
        if (!is(method, "getRuntime")) unknown_function();
        return jni.make_handle(jni.make_object(Type::runtime), false);
    }
    static jlong call_long(JNIEnv* env, jobject on, jmethodID method, va_list) {
        FakeJni& jni = of(env);
        jni.enter("CallLongMethod");
        if (jni.object_of(on, "CallLongMethod") == nullptr || throws(jni, name_of(method))) return -1;
        const auto& answers = jni.runtime;
        const Bytes answer = is(method, "totalMemory")  ? answers.total
                             : is(method, "freeMemory") ? answers.free
                                                        : answers.max;
        if (answers.between) answers.between();
        return static_cast<jlong>(answer.count());
    }

    static void set_long_field(JNIEnv* env, jobject on, jfieldID field, jlong value) {
        FakeJni& jni = of(env);
        jni.enter("SetLongField");
        FakeJni::Object* const soft = jni.object_of(on, "SetLongField");
        if (!is(field, "timestamp")) unknown_function();
        if (soft != nullptr) soft->timestamp = value;
    }
    static jlong get_static_long_field(JNIEnv* env, jclass type, jfieldID field) {
        FakeJni& jni = of(env);
        jni.enter("GetStaticLongField");
        if (jni.object_of(type, "GetStaticLongField") == nullptr || !is(field, "clock")) unknown_function();
        return jni.soft_clock_;
    }

    static JNINativeInterface_ make() {
        JNINativeInterface_ table;
        // The whole table is pointers, and what is not set below must not be called.
        auto* const slots = reinterpret_cast<void**>(&table);
        std::fill_n(slots, sizeof table / sizeof(void*), reinterpret_cast<void*>(&unknown_function));
        table.FindClass = &find_class;
        table.GetMethodID = &look_up<jmethodID, false>;
        table.GetStaticMethodID = &look_up<jmethodID, true>;
        table.GetFieldID = &look_up<jfieldID, false>;
        table.GetStaticFieldID = &look_up<jfieldID, true>;
        table.NewGlobalRef = &new_global_ref;
        table.DeleteGlobalRef = &delete_ref<true>;
        table.DeleteLocalRef = &delete_ref<false>;
        table.ExceptionCheck = &exception_check;
        table.ExceptionClear = &exception_clear;
        table.NewLongArray = &new_long_array;
        table.GetArrayLength = &get_array_length;
        table.GetPrimitiveArrayCritical = &get_critical;
        table.ReleasePrimitiveArrayCritical = &release_critical;
        table.NewObjectV = &new_object;
        table.CallBooleanMethodV = &call_boolean;
        table.CallObjectMethodV = &call_object;
        table.CallVoidMethodV = &call_void;
        table.CallStaticObjectMethodV = &call_static_object;
        table.CallStaticLongMethodV = &call_static_long;
        table.DefineClass = &define_class;
        table.NewStringUTF = &new_text;
        table.CallLongMethodV = &call_long;
        table.SetLongField = &set_long_field;
        table.GetStaticLongField = &get_static_long_field;
        return table;
    }
};

const JNINativeInterface_* fake_jni_functions() {
    static const JNINativeInterface_ kTable = FakeJniTable::make();
    return &kTable;
}

}  // namespace aerostat::testing

extern "C" __attribute__((visibility("default"))) jclass JVM_FindLoadedClass(JNIEnv* env, jobject loader, jstring name);
extern "C" jclass JVM_FindLoadedClass(JNIEnv* env, jobject loader, jstring name) {
    return aerostat::testing::FakeJniTable::find_loaded_class(env, loader, name);
}
