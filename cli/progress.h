#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "contract/control.h"

namespace aerostat::cli {

/// One line on stderr that follows an order while its answer is waited for: the time, and what the daemon's `ops` say has
/// been obtained. Uses a connection of its own; if that fails only the time is shown. Its line is gone when it is destroyed.
/// Thread: one of its own, ended and joined by the destructor.
class Progress {
public:
    Progress(std::string socket, ControlRequest request);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

private:
    void follow();

    const std::string socket_;
    const ControlRequest request_;
    std::mutex mutex_;
    std::condition_variable ended_signal_;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace aerostat::cli
