#include "application-balloon/contract/pattern.h"

#include <sodium.h>

#include <cstdint>
#include <cstring>

namespace aerostat::balloon {
namespace {

constexpr std::size_t kWords = kPage.count() / sizeof(std::uint64_t);
constexpr std::size_t kPagesOfPiece = kPiece.count() / kPage.count();
static_assert(sizeof(Secret::bytes) == crypto_shorthash_siphashx24_KEYBYTES);

/// The words of one page: an arithmetic progression modulo 2^64, quick to write and to compare, of which SipHash chooses
/// both numbers. The step is odd, so that no word of a page comes twice.
struct Progression {
    std::uint64_t first;
    std::uint64_t step;
};

Progression progression_of(const Secret& secret, std::uint64_t page_number) {
    std::array<unsigned char, sizeof(page_number)> text{};
    for (unsigned char& byte : text) {
        byte = static_cast<unsigned char>(page_number);
        page_number >>= 8U;
    }
    std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> hash{};
    crypto_shorthash_siphashx24(hash.data(), text.data(), text.size(), secret.bytes.data());
    Progression found{};
    static_assert(sizeof(found) == sizeof(hash));
    std::memcpy(&found, hash.data(), sizeof(found));
    found.step |= 1U;
    return found;
}

std::uint64_t page_number(Frame frame, std::size_t page) {
    return static_cast<std::uint64_t>(frame.number) * kPagesOfPiece + page;
}

void write_page(std::byte* to, Progression words) {
    for (std::size_t word = 0; word < kWords; ++word, words.first += words.step)
        std::memcpy(to + word * sizeof(words.first), &words.first, sizeof(words.first));
}

// Compared by collecting differences instead of stopping at the first: almost all pages are right, and so compilers make
// vectors of it.
bool is_right(const std::byte* at, Progression words) {
    std::uint64_t differences = 0;
    for (std::size_t word = 0; word < kWords; ++word, words.first += words.step) {
        std::uint64_t found = 0;
        std::memcpy(&found, at + word * sizeof(found), sizeof(found));
        differences |= found ^ words.first;
    }
    return differences == 0;
}

}  // namespace

Secret random_secret() {
    Secret secret;
    randombytes_buf(secret.bytes.data(), secret.bytes.size());
    return secret;
}

void write_pattern(std::span<std::byte> piece, const Secret& secret, Frame frame) {
    for (std::size_t page = 0; page * kPage.count() < piece.size(); ++page)
        write_page(piece.data() + page * kPage.count(), progression_of(secret, page_number(frame, page)));
}

std::size_t wrong_pages(std::span<const std::byte> part, const Secret& secret, Frame frame, std::size_t first_page) {
    std::size_t wrong = 0;
    for (std::size_t page = 0; page * kPage.count() < part.size(); ++page) {
        if (!is_right(part.data() + page * kPage.count(), progression_of(secret, page_number(frame, first_page + page))))
            ++wrong;
    }
    return wrong;
}

}  // namespace aerostat::balloon
