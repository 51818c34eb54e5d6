/* Stands in for a domain's QEMU: a process that is found by `-uuid UUID` and holds guest RAM of so many bytes, of which a part
 * is resident.   qemu-stand-in -uuid UUID BYTES RESIDENT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char** argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 5) return 2;
    const size_t bytes = strtoull(argv[3], NULL, 10), resident = strtoull(argv[4], NULL, 10);
    char* ram = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED || resident > bytes) return 1;
    memset(ram, 1, resident);
    for (;;) pause();
}
