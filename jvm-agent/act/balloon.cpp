#include "jvm-agent/act/balloon.h"

#include <algorithm>

namespace aerostat::agent {
namespace {

/// A chunk is worth releasing again when a sixteenth of it is back.
constexpr std::uint64_t kRefilledPart = 16;

/// Locked pages are locked in every chunk; any other trouble may be one chunk's.
bool is_denied(const Result<bool>& released) { return !released && released.error().code == ErrorCode::denied; }

}  // namespace

Status Balloon::inflate_one() {
    auto chunk = port_.inflate();
    if (!chunk) return tl::unexpected(chunk.error());
    const auto after = [](const Chunk& a, const Chunk& b) { return a.pages.begin < b.pages.begin; };
    chunks_.insert(std::upper_bound(chunks_.begin(), chunks_.end(), *chunk, after), *chunk);
    inflated_ += port_.chunk_size();
    return {};
}

Result<Bytes> Balloon::settle_one() {
    const auto moving = [this](const Chunk& chunk) { return !port_.is_settled(chunk); };
    const auto chunk = std::find_if(chunks_.begin(), chunks_.end(), moving);
    if (chunk == chunks_.end()) return Bytes();
    const auto released = port_.release_again(*chunk);
    if (is_denied(released)) return tl::unexpected(released.error());
    std::sort(chunks_.begin(), chunks_.end(), [](const Chunk& a, const Chunk& b) { return a.pages.begin < b.pages.begin; });
    return released && *released ? port_.chunk_size() : Bytes();
}

bool Balloon::is_settled() const {
    return std::all_of(chunks_.begin(), chunks_.end(), [this](const Chunk& chunk) { return port_.is_settled(chunk); });
}

Bytes Balloon::deflate(Bytes amount) {
    Bytes given;
    while (!chunks_.empty() && given < amount) {
        port_.drop(chunks_.back());
        chunks_.pop_back();
        given += port_.chunk_size();
    }
    cursor_ = 0;
    if (chunks_.empty()) resident_ = Bytes();
    return given;
}

std::uint64_t Balloon::census() {
    const auto gone = std::stable_partition(chunks_.begin(), chunks_.end(),
                                            [this](const Chunk& chunk) { return !port_.is_cleared(chunk); });
    const auto count = static_cast<std::uint64_t>(chunks_.end() - gone);
    std::for_each(gone, chunks_.end(), [this](const Chunk& chunk) { port_.forget(chunk); });
    chunks_.erase(gone, chunks_.end());
    cleared_ += count;
    if (count > 0) cursor_ = 0;
    return count;
}

void Balloon::keep_alive() {
    for (const Chunk& chunk : chunks_) port_.keep_alive(chunk);
}

Result<Bytes> Balloon::refill_pass(std::size_t most, bool all) {
    Bytes again;
    if (cursor_ >= chunks_.size()) cursor_ = 0;
    for (std::size_t done = 0; done < most && cursor_ < chunks_.size(); ++done, ++cursor_) {
        const Bytes back = port_.resident(chunks_[cursor_]);
        const bool refilled = back > port_.chunk_size() / kRefilledPart;
        if (!refilled && !all) {
            resident_now_ += back;
            continue;
        }
        const auto released = port_.release_again(chunks_[cursor_]);
        if (is_denied(released)) return tl::unexpected(released.error());
        if (!released || !*released) {
            resident_now_ += back;
            continue;
        }
        if (refilled) ++refills_;
        again += back;
    }
    if (cursor_ >= chunks_.size()) {
        resident_ = resident_now_;
        resident_now_ = Bytes();
    }
    return again;
}

}  // namespace aerostat::agent
