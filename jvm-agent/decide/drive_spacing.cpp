#include "jvm-agent/decide/drive_spacing.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

constexpr Duration kBetweenDrives = std::chrono::seconds(10);
constexpr Duration kAfterVainDrive = std::chrono::minutes(1);
constexpr Duration kBetweenVainDrives = std::chrono::minutes(10);

}  // namespace

Duration DriveSpacing::wait() const { return in_vain_ ? std::max(between_, kAfterVainDrive) : between_; }

void DriveSpacing::is_within_target() {
    if (!in_vain_) between_ = kBetweenDrives;
}

void DriveSpacing::begins_again() { between_ = std::clamp(wait() * 2, kBetweenDrives, kBetweenVainDrives); }

}  // namespace aerostat::agent
