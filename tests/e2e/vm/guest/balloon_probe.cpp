/// What the test of the application balloon has in a guest besides the balloon.
///   balloon-probe keep MIB      memory with known bytes; "check" on stdin: prints "checked BYTES lost BYTES"
///   balloon-probe line SOCKET   each line of stdin goes to the socket, each line it answers to stdout
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

namespace {

// Another value for each word of memory: lost, exchanged and shifted pages all show.
uint64_t word_at(uint64_t index) { return (index + 1) * 0x9e3779b97f4a7c15ULL; }

int keep(uint64_t mib) {
    const uint64_t words = (mib << 20) / sizeof(uint64_t);
    void* const at = mmap(nullptr, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return 1;
    auto* const memory = static_cast<uint64_t*>(at);
    for (uint64_t i = 0; i < words; ++i) memory[i] = word_at(i);
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        uint64_t lost = 0;
        for (uint64_t i = 0; i < words; ++i) {
            uint64_t difference = memory[i] ^ word_at(i);
            for (; difference != 0; difference >>= 8) lost += (difference & 0xff) != 0;
        }
        std::cout << "checked " << words * sizeof(uint64_t) << " lost " << lost << std::endl;
    }
    return 0;
}

int line(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 1;
    FILE* const answers = fdopen(fd, "r");
    char* answer = nullptr;
    size_t room = 0;
    for (std::string asked; std::getline(std::cin, asked);) {
        asked += '\n';
        if (write(fd, asked.data(), asked.size()) != static_cast<ssize_t>(asked.size())) return 1;
        if (getline(&answer, &room, answers) <= 0) return 1;
        std::cout << answer << std::flush;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "keep") == 0) return keep(std::strtoull(argv[2], nullptr, 10));
    if (argc == 3 && std::strcmp(argv[1], "line") == 0) return line(argv[2]);
    return 2;
}
