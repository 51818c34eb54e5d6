"""The ways to share memory out among services that are compared, and what each gives to its JVMs."""

from collections import namedtuple

from consolidation.plan import MIB

# policy: hostd's, with guestd and agents; limited: all JVMs are in one memory cgroup of the budget's size; agent: its options.
System = namedtuple("System", "name what policy limited heaps agent", defaults=[""])

OVERCOMMIT = 1.25         # heaps that give back what they do not need may be promised so many times their share
RESERVE_PART = 16         # of the budget, hostd's emergency reserve
LEAST_RESERVE = 64 * MIB
LEAST_HEAP = 16 * MIB
BEGIN_PART = 4            # a heap begins with such a part of a generous one
PROMPT_SECONDS = 3        # how soon the JDK's own means give back; a day here has minutes


def sized(base, size):
    """The largest heap, and one to begin with: what the machine has is no measure of that."""
    size = max(LEAST_HEAP, int(size)) // MIB
    return [f"-Xmx{size}m", f"-XX:InitialHeapSize={min(size, base.heap_bytes // MIB // BEGIN_PART)}m"]


def generous(base, _name, _budget):
    return ["-XX:+UseG1GC", *sized(base, base.heap_bytes)]


def heap_part(base, budget):
    """What is left for heaps when each JVM has what it needs beside its heap."""
    return max(0, budget - sum(base.outside.values()))


def generous_zgc(base, _name, _budget):
    return ["-XX:+UseZGC", *sized(base, base.heap_bytes), f"-XX:ZUncommitDelay={PROMPT_SECONDS}"]


def proportional_share(base, name, budget):
    return heap_part(base, budget) * base.heaps[name] / sum(base.heaps.values())


def static_equal(base, _name, budget):
    return ["-XX:+UseG1GC", *sized(base, heap_part(base, budget) / len(base.heaps))]


def static_proportional(base, name, budget):
    return ["-XX:+UseG1GC", *sized(base, proportional_share(base, name, budget))]


def jdk_g1(base, name, budget):
    percentage = 100 * OVERCOMMIT * proportional_share(base, name, budget) / budget
    return ["-XX:+UseG1GC", f"-XX:MaxRAM={int(budget)}", f"-XX:MaxRAMPercentage={percentage:.2f}",
            f"-XX:MinRAMPercentage={percentage:.2f}", f"-XX:G1PeriodicGCInterval={PROMPT_SECONDS * 1000}",
            "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=30", f"-XX:InitialHeapSize={LEAST_HEAP // MIB}m"]


def jdk_zgc(base, name, budget):
    soft = max(LEAST_HEAP, int(proportional_share(base, name, budget)))
    return ["-XX:+UseZGC", f"-Xmx{int(OVERCOMMIT * soft) // MIB}m", f"-XX:SoftMaxHeapSize={soft // MIB}m",
            f"-XX:ZUncommitDelay={PROMPT_SECONDS}", f"-Xms{LEAST_HEAP // MIB}m"]


UNLIMITED = System("unlimited", "generous heaps, no budget", None, False, generous)
SYSTEMS = {system.name: system for system in (
    System("static-equal", "equal -Xmx", None, False, static_equal),
    System("static-proportional", "-Xmx in proportion to the heaps unlimited", None, False, static_proportional),
    System("jdk-g1", "MaxRAMPercentage and G1's periodic collection", None, False, jdk_g1),
    System("jdk-zgc", "ZGC that uncommits, with SoftMaxHeapSize", None, False, jdk_zgc),
    System("kernel-limit", "generous heaps, and a memory cgroup as budget", None, True, generous),
    System("guest-only", "hostd, which moves what guest OSs hold", "guest-only", False, generous),
    System("proportional", "hostd, one ratio for all", "proportional", False, generous),
    System("price", "Aerostat: hostd, by the price of memory", "price", False, generous),
    System("price-size", "likewise, busy heaps are held by their size", "price", False, generous, "g1-hold=size"),
    System("price-zgc", "likewise, heaps of ZGC that uncommits soon", "price", False, generous_zgc),
)}

HOST_CONFIG = """
[host]
backend = "local"
memory = "{memory}MiB"
emergency_reserve = "{reserve}MiB"
runtime_dir = "{directory}"
mode = "act"
policy = "{policy}"

[guest."*"]
weight = 1.0
"""


def host_config(policy, budget, directory):
    reserve = max(LEAST_RESERVE, budget // RESERVE_PART)
    return HOST_CONFIG.format(policy=policy, memory=int(budget) // MIB, reserve=int(reserve) // MIB, directory=directory)
