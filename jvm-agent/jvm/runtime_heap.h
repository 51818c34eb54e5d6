#pragma once

#include <jni.h>

#include "contract/error.h"
#include "contract/units.h"
#include "jvm-agent/jvm/heap_sizes.h"

namespace aerostat::agent {

/// java.lang.Runtime's three numbers, which every collector has.
/// Thread: the attached thread of `env`.
class RuntimeHeap {
public:
    explicit RuntimeHeap(JNIEnv* env);
    [[nodiscard]] HeapSizes sizes() const {
        return sizes_of_one_moment([this] { return ask(total_); }, [this] { return ask(free_); });
    }
    [[nodiscard]] Bytes max() const { return ask(max_); }
    /// Runtime.gc(): a full collection, unless the program was started with DisableExplicitGC.
    Status collect() const;

private:
    [[nodiscard]] Bytes ask(jmethodID method) const;

    JNIEnv* env_;
    jobject runtime_ = nullptr;  // global, for the rest of the process
    jmethodID total_ = nullptr, free_ = nullptr, max_ = nullptr, gc_ = nullptr;
};

}  // namespace aerostat::agent
