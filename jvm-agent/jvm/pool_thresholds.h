#pragma once

#include <jni.h>

#include <optional>

#include "contract/units.h"

namespace aerostat::agent {

/// Usage thresholds that the program has set on memory pools of its heap (java.lang.management.MemoryPoolMXBean): a balloon,
/// which is used memory to them, must not make them go off.
///
/// Loads nothing for it: as long as the pools' classes are not in the JVM, nobody has set any.
/// Thread: agent thread.
class PoolThresholds {
public:
    explicit PoolThresholds(JNIEnv* env) : env_(env) {}
    /// The lowest, of usage and of usage after a collection; zero: there is none. While it cannot be asked, what was last
    /// answered; absent if nothing was.
    /// Cost: a look into the JVM's table of classes; where they are loaded, some calls of Java code (about 20 µs).
    [[nodiscard]] std::optional<Bytes> lowest();

private:
    [[nodiscard]] bool pools_are_loaded();
    [[nodiscard]] bool load_shim();

    JNIEnv* env_;
    jstring pool_class_ = nullptr;  // this and the class: global, for the rest of the process
    jclass shim_ = nullptr;
    jmethodID lowest_ = nullptr;
    bool loaded_ = false, broken_ = false;
    std::optional<Bytes> answered_;
};

}  // namespace aerostat::agent
