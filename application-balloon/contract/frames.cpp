#include "application-balloon/contract/frames.h"

#include <algorithm>

namespace aerostat::balloon {

Status check_frames(std::span<const Frame> frames) {
    if (frames.size() > kMostFrames)
        return fail(ErrorCode::bad_value, "more than " + std::to_string(kMostFrames) + " frames in a message");
    if (!frames.empty() && frames.back().number >= kEndOfFrames)
        return fail(ErrorCode::bad_value, "a frame beyond what processors can address");
    const auto wrong = std::adjacent_find(frames.begin(), frames.end(), [](Frame a, Frame b) { return a >= b; });
    if (wrong != frames.end()) return fail(ErrorCode::bad_value, "frames are not in ascending order");
    return {};
}

}  // namespace aerostat::balloon
