// How long the host's share-out takes among many guests, each of three layers with curves of 16 points.
//
//   bench_share_out GUESTS ROUNDS [bounded]
//
// bounded: every guest has a minimum and a maximum that bind. Prints milliseconds of one core, one round a line.

#include <ctime>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <random>
#include <string_view>

#include "host-controller/decide/share_out.h"

namespace {

using namespace aerostat;
using namespace aerostat::host;

constexpr Bytes kMiB{1ULL << 20};
constexpr int kLayers = 3;

std::optional<std::size_t> number(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
    return value;
}

// Heaps of very different sizes and loads.
ShareProblem problem_of(std::size_t guests, bool bounded, std::mt19937& random) {
    const auto any = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
    ShareProblem problem;
    for (std::size_t g = 0; g < guests; ++g) {
        ShareGuest guest;
        guest.weight = any(0.5, 4);
        Bytes live;
        for (int l = 0; l < kLayers; ++l) {
            const Bytes alive = share_of(kMiB, any(10, 500));
            const double k = std::exp(any(5, 20));
            const Bytes floor = alive + kMiB * 32;
            const Bytes ceiling = alive + share_of(kMiB, any(500, 4000));
            guest.layers.push_back({CostCurve::hyperbola(k, alive, floor, ceiling), floor + kMiB * 100});
            live += floor;
        }
        if (bounded) {
            guest.least = live + share_of(kMiB, any(0, 500));
            guest.most = guest.least + share_of(kMiB, any(0, 4000));
        }
        problem.guests.push_back(std::move(guest));
    }
    problem.capacity = kMiB * 2048 * guests;
    return problem;
}

double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace

int main(int count, char** arguments) {
    const auto guests = number(count >= 3 ? arguments[1] : "");
    const auto rounds = number(count >= 3 ? arguments[2] : "");
    const bool bounded = count == 4 && std::string_view(arguments[3]) == "bounded";
    if (!guests || !rounds || count > 4 || (count == 4 && !bounded)) {
        std::fprintf(stderr, "Usage: bench_share_out GUESTS ROUNDS [bounded]\n");
        return 2;
    }
    std::mt19937 random(20240607);
    for (std::size_t round = 0; round < *rounds; ++round) {
        const ShareProblem problem = problem_of(*guests, bounded, random);
        const double began = cpu_ms();
        const ShareOutcome outcome = price_of_memory().share_out(problem);
        const double took = cpu_ms() - began;
        if (outcome.layers.size() != *guests || !(outcome.price > 0) || !outcome.short_by.is_zero()) {
            std::fprintf(stderr, "bench_share_out: the problem was not what it was meant to be\n");
            return 1;
        }
        std::printf("%.4f\n", took);
    }
    return 0;
}
