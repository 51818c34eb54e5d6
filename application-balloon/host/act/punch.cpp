#include "application-balloon/host/act/punch.h"

#include <algorithm>

#include "application-balloon/contract/pattern.h"

namespace aerostat::balloon::host {
namespace {

constexpr std::size_t kMostInBatch = kMostBatch.count() / kPiece.count();
// Small enough for a processor's cache: the guest stands still meanwhile.
constexpr std::size_t kPart = 256UL * 1024;

struct Target {
    Frame frame;
    Place place;
};

/// How many pages of the frame do not carry the pattern. All of it is read, also when the first is wrong: the count tells
/// a page that was moved from a frame that was never the balloon's.
Result<std::size_t> wrong_pages_of(const Target& target, const Secret& secret, RamFiles& files) {
    static thread_local std::vector<std::byte> part(kPart);
    std::size_t wrong = 0;
    for (std::size_t at = 0; at < kPiece.count(); at += kPart) {
        if (auto read = files.read({target.place.inode, target.place.offset + at}, part); !read)
            return tl::unexpected(read.error());
        wrong += wrong_pages(part, secret, target.frame, at / kPage.count());
    }
    return wrong;
}

// What cannot be read or punched stays with the guest.
void take(const Target& target, const Secret& secret, RamFiles& files, Punched& result) {
    const auto wrong = wrong_pages_of(target, secret, files);
    if (!wrong) return;
    result.checked += kPiece;
    result.wrong += static_cast<std::uint32_t>(*wrong);
    if (*wrong == 0 && files.punch(target.place)) result.taken.push_back(target.frame);
}

/// The processors stand still while it lives.
class Pause {
public:
    /// `longest`: becomes this one's length, if it was longer. `began`: before the order to stop.
    Pause(Machine& machine, const Clock& clock, TimePoint began, Duration& longest)
        : machine_(machine), clock_(clock), began_(began), longest_(longest) {}
    ~Pause() {
        machine_.resume();
        longest_ = std::max(longest_, clock_.now() - began_);
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

private:
    Machine& machine_;
    const Clock& clock_;
    TimePoint began_;
    Duration& longest_;
};

// Whoever ordered it counts on nothing any more. libvirt and QEMU may have taken any time to answer.
Status in_time(const PunchOrder& order, const Clock& clock) {
    if (clock.now() < order.until) return {};
    return fail(ErrorCode::timed_out, "the order's time was over before its turn came, or QEMU was too slow");
}

Status take_batch(std::span<const Target> batch, const PunchOrder& order, Machine& machine, RamFiles& files,
                  const Clock& clock, Punched& result) {
    if (auto allowed = machine.may_be_punched(); !allowed) return allowed;
    if (auto early = in_time(order, clock); !early) return early;
    const TimePoint began = clock.now();
    if (auto paused = machine.pause(); !paused) return paused;
    const Pause pause(machine, clock, began, result.paused);
    // A migration may have begun in between.
    if (auto allowed = machine.may_be_punched(); !allowed) return allowed;
    for (const Target& target : batch) {
        if (auto early = in_time(order, clock); !early) return early;
        take(target, order.secret, files, result);
    }
    return {};
}

}  // namespace

Result<Punched> punch(const PunchOrder& order, Machine& machine, RamFiles& files, const std::vector<FilePart>& parts,
                      const Clock& clock) {
    if (auto checked = check_frames(order.frames); !checked) return tl::unexpected(checked.error());
    Punched result;
    result.id = order.id;
    std::vector<Target> targets;
    for (const Frame frame : order.frames) {
        if (const auto place = place_of(frame, parts)) targets.push_back({frame, *place});
    }
    result.outside = static_cast<std::uint32_t>(order.frames.size() - targets.size());
    const Bytes before = files.held();
    for (std::size_t at = 0; at < targets.size(); at += kMostInBatch) {
        const auto batch = std::span(targets).subspan(at, std::min(kMostInBatch, targets.size() - at));
        const Status done = take_batch(batch, order, machine, files, clock, result);
        if (!done && result.taken.empty()) return tl::unexpected(done.error());
        if (!done) break;
    }
    result.freed = saturating_sub(before, files.held());
    return result;
}

}  // namespace aerostat::balloon::host
