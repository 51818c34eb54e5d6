#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "contract/clock.h"
#include "contract/error.h"
#include "host-controller/backend/backend.h"

namespace aerostat::host {

/// Measures guests on a few threads, so that a slow walk of page tables never stops the loop.
///
/// One measurement outstanding per guest; callers that come meanwhile get the answer of one more, begun after theirs was
/// asked for (so a "before" and an "after" are never older than the question). Each question has a deadline.
/// Thread: the io_context's; callbacks run there.
class MeasurePool {
public:
    using Measure = std::function<Result<GuestResidency>(const GuestId&, Look)>;
    using Answer = std::function<void(Result<GuestResidency>)>;

    /// `measure` is called on the pool's threads, at most `threads` at a time. It may still be running, once for each
    /// thread, when the pool is gone: it owns what it uses.
    MeasurePool(asio::io_context& loop, Measure measure, unsigned threads = 2, Duration deadline = std::chrono::seconds(2));
    /// Open questions are not answered any more. Waits for the measurements under way, at most a second.
    ~MeasurePool();

    /// One measurement for several is as close as the one that wants most.
    void ask(const GuestId& guest, Answer answer, Look look = Look::closely);
    /// True if a question about this guest is open: asking again would only queue.
    [[nodiscard]] bool is_busy(const GuestId& guest) const;

private:
    struct Shared;
    struct Guest;
    void begin(const GuestId& id);
    void finish(const GuestId& id, const Result<GuestResidency>& seen);

    asio::io_context& loop_;
    Duration deadline_;
    std::shared_ptr<Shared> shared_;
    std::map<GuestId, std::unique_ptr<Guest>> guests_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerostat::host
