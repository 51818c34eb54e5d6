#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/clock.h"
#include "contract/units.h"

namespace aerostat::daemon {

/// One table of a TOML file, read strictly: every value has a type and a unit, every key must be asked for.
///
/// The getters take a key off the table: absent gives nullopt, a wrong type or syntax is remembered as a problem (with
/// file, line and what would be right) and gives nullopt too. finish() reports keys nobody asked for. All problems are
/// collected, so that an operator sees them at once. Thread: owner's.
class StrictTable {
public:
    /// Fails: `not_found`, `io`, `bad_value` (syntax error, with its line; a file over 1 MiB).
    [[nodiscard]] static Result<StrictTable> read_file(const std::string& path);
    [[nodiscard]] static Result<StrictTable> parse(std::string_view text, const std::string& name_for_errors);
    StrictTable(StrictTable&&) noexcept;
    StrictTable& operator=(StrictTable&&) noexcept;
    ~StrictTable();

    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::optional<Bytes> bytes(std::string_view key);        ///< "512MiB"; a bare number is an error
    [[nodiscard]] std::optional<Duration> duration(std::string_view key);  ///< "5s"; a bare number is an error
    [[nodiscard]] std::optional<double> number(std::string_view key, double least, double most);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    /// One of the given words.
    [[nodiscard]] std::optional<std::string> word(std::string_view key, const std::vector<std::string>& allowed);
    /// A sub-table; an empty one if absent.
    [[nodiscard]] StrictTable table(std::string_view key);
    /// The names of the sub-tables not yet taken: for [guest.NAME].
    [[nodiscard]] std::vector<std::string> table_names() const;

    /// Adds a problem of the caller's own ("min is above max") at a key's line.
    void add_problem(std::string_view key, const std::string& problem);

    /// Reports the keys nobody asked for. To be called for every table, the root last: its answer, `bad_value`, holds the
    /// problems of all tables, one a line.
    [[nodiscard]] Status finish();

private:
    struct State;
    explicit StrictTable(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace aerostat::daemon
