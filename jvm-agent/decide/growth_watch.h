#pragma once

#include "contract/units.h"

namespace aerostat::agent {

/// What GrowthWatch is shown of a heap that is held.
struct GrowthSight {
    Bytes application;  ///< occupied by the program after the last collection
    Bytes occupied;     ///< of it, what counts against the target
    Bytes target;
    Bytes region;
};

/// Tells when a program has outgrown the target that it is held at: it occupies most of it, and clearly more than it once
/// did under it. Then nothing should hold it back, until it fits again. Pure. Thread: owner's.
class GrowthWatch {
public:
    /// Another target: what was occupied under the last tells nothing.
    void begin() { least_ = Bytes(Bytes::kLimit); }
    /// It is held again.
    void settle() { outgrown_ = false; }
    /// To be told often. True: it has just outgrown its target.
    bool observe(const GrowthSight& seen);
    [[nodiscard]] bool has_outgrown() const { return outgrown_; }
    /// It occupies more than it did under this target.
    [[nodiscard]] bool has_grown(Bytes application, Bytes region) const;
    /// By so much the target would have to be raised to fit.
    [[nodiscard]] static Bytes wanted(Bytes application, Bytes target);

private:
    Bytes least_;  ///< that it has occupied under this target
    bool outgrown_ = false;
};

}  // namespace aerostat::agent
