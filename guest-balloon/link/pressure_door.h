#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "contract/clock.h"
#include "contract/condition_page.h"
#include "wire/listener.h"

namespace aerostat::guest {

/// `DIR/pressure`, the door for programs that know systemd's MEMORY_PRESSURE_WATCH: a stream socket that becomes readable
/// when memory is short. (A FIFO would tell one of its readers only, a regular file is taken for the kernel's.)
///
/// What a program writes (MEMORY_PRESSURE_WRITE) may be a level, "advisory", "tight" (the default) or "critical"; anything
/// else is ignored, as such programs also write what only the kernel understands. From that level on it is told at once and
/// then every two seconds, by the level's name on a line. Thread: the io_context's.
class PressureDoor {
public:
    struct Bounds {
        std::size_t connections = 128;
        std::size_t connections_per_uid = 96;  ///< root is exempt
    };
    /// Fails: as wire::Listener::open.
    [[nodiscard]] static Result<std::unique_ptr<PressureDoor>> open(asio::io_context& loop, const std::string& path,
                                                                    Bounds bounds, const Clock& clock);
    ~PressureDoor();
    PressureDoor(const PressureDoor&) = delete;
    PressureDoor& operator=(const PressureDoor&) = delete;

    /// To be called when the level has changed, and about once a second.
    void tell(ConditionLevel level);
    [[nodiscard]] std::size_t connections() const { return connections_.size(); }

private:
    struct Connection;
    PressureDoor(asio::io_context& loop, Bounds bounds, const Clock& clock);
    void accept(int fd, const wire::PeerCredentials& peer);
    void read(std::uint64_t id);
    void heard(std::uint64_t id, std::string_view bytes);
    void tell(Connection& connection);
    void forget(std::uint64_t id);

    asio::io_context& loop_;
    Bounds bounds_;
    const Clock& clock_;
    ConditionLevel level_ = ConditionLevel::ample;
    std::unique_ptr<wire::Listener> listener_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_id_ = 1;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The level that these bytes name; absent if they name none.
[[nodiscard]] std::optional<ConditionLevel> level_written(std::string_view bytes);

}  // namespace aerostat::guest
