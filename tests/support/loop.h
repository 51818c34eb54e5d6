#pragma once

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <asio/io_context.hpp>

namespace aerostat::testing {

/// Runs the loop until the condition holds. The limit only stops a broken test from hanging.
inline ::testing::AssertionResult run_until(asio::io_context& loop, const std::function<bool()>& condition,
                                            std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return ::testing::AssertionFailure() << "the condition did not come true";
        loop.restart();
        loop.run_one_for(std::chrono::milliseconds(50));
    }
    return ::testing::AssertionSuccess();
}

/// An empty directory, removed with the files in it.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = "/tmp/aerostat-test-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryDirectory() {
        const std::string command = "rm -rf '" + path_ + "'";
        if (std::system(command.c_str()) != 0) ADD_FAILURE() << "cannot remove " << path_;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace aerostat::testing
