#pragma once

#include <aerostat/memory_condition.h>
#include <gtest/gtest.h>

#include <string>

namespace aerostat::client {

/// A reader of the C interface, for as long as it lives.
class Handle {
public:
    explicit Handle(const std::string& directory) { EXPECT_EQ(aerostat_condition_open(directory.c_str(), &reader_), 0); }
    ~Handle() { aerostat_condition_close(reader_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    aerostat_condition* get() { return reader_; }
    aerostat_memory_condition read() {
        aerostat_memory_condition now = AEROSTAT_MEMORY_CONDITION_INIT;
        EXPECT_EQ(aerostat_condition_read(reader_, &now), 0);
        return now;
    }

private:
    aerostat_condition* reader_ = nullptr;
};

}  // namespace aerostat::client
