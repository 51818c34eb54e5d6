#pragma once

#include <string>

#include "host-controller/decide/frame.h"
#include "host-controller/decide/steps.h"

namespace aerostat::host {

/// Why a JVM's aim is what it is, in a few words for people.
[[nodiscard]] std::string why(const FrameGuest& guest, const FrameLayer& layer, const ShareGuest& share, Bytes share_sum,
                              Bytes aim, const Step& step, const SharePolicy& policy);

}  // namespace aerostat::host
