#include "jvm-agent/act/chunk_work.h"

#include <algorithm>

namespace aerostat::agent {

void ChunkWork::observe() {
    heap_.observe();
    upkeep_.observe(heap_.facts(), clock_.now());
}

void ChunkWork::inflate(Bytes wanted, Duration slice, bool counts) {
    const TimePoint began = clock_.now();
    const Bytes region = heap_.facts().region;
    Bytes done;
    hooks_.settings_follow(std::min(wanted, region * kAhead));
    while (done < wanted && clock_.now() - began < slice) {
        if (const auto inflated = balloon_.inflate_one(); !inflated) {  // there was room, and yet
            stop(inflated.error());
            break;
        }
        done += region;
        upkeep_.inflated(heap_.facts(), clock_.now());
        observe();
        if (hooks_.room().is_zero()) break;
        if (done.count() % (region.count() * kAhead) == 0)
            hooks_.settings_follow(std::min(saturating_sub(wanted, done), region * kAhead));
    }
    hooks_.settings_follow(Bytes());
    inflated_at_ = clock_.now();
    heap_.inflated(done, counts);
}

void ChunkWork::deflate(Bytes amount) {
    const Bytes given = balloon_.deflate(amount);
    if (given.is_zero()) return;
    heap_.gave_back(given);
    hooks_.settings_follow(Bytes());
}

void ChunkWork::let_go(Bytes amount) {
    if (!upkeep_.is_leaving()) deflate(amount);
}

void ChunkWork::take_pages_again() {
    if (!upkeep_.take_pages_again()) deflate_all();
}

Duration ChunkWork::follow(const ChunkUpkeep::Slice& slice) {
    if (!slice.done) stop(slice.done.error());
    if (slice.may_all_go) deflate_all();
    if (slice.touched) heap_.distrust_look();
    return slice.wait;
}

/// Chunks that are held already stay, unless their pages are locked (mlockall): then they only take room from the program.
void ChunkWork::stop(const Error& why) {
    broken_ = why;
    if (why.code == ErrorCode::denied) deflate_all();
}

}  // namespace aerostat::agent
