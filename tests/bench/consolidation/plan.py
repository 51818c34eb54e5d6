"""What is run: the services, their day, and how much of everything."""

from collections import namedtuple

MIB = 1 << 20

# live_mib is about what a service holds at its busiest time.
Service = namedtuple("Service", "main kind live_mib")

SERVICES = {
    "web": Service("JettyWorkload", "requests over HTTP", 80),
    "cache": Service("CacheWorkload", "a Caffeine cache", 160),
    "database": Service("H2Workload", "an H2 database in memory", 100),
    "search": Service("LuceneWorkload", "a Lucene index in memory", 80),
    "batch": Service("BatchWorkload", "a job for certain hours", 200),
}

# Parts of the day, of equal length: what share of its busiest rate each service has. The load moves between the services, and
# with it the memory: at night the cache forgets what nobody asks for, and the batch job holds what it works on.
DAY = (
    {"web": 1.0, "cache": 1.0, "database": 0.15, "search": 0.15, "batch": 0.0},
    {"web": 0.15, "cache": 0.3, "database": 1.0, "search": 1.0, "batch": 0.0},
    {"web": 0.1, "cache": 0.05, "database": 0.2, "search": 0.1, "batch": 1.0},
)

MOST_CPU_SHARE = 0.5   # of all processors, by the services together, unlimited
BUSY_CORES = 0.17      # processors for one service at its busiest, for each processor there is
SHARES = (0.75, 0.60, 0.50, 0.40)  # budgets, of the memory that the services hold unlimited

# Times are in seconds. A short day of `warm_part`s comes before the one that counts: programs are compiled, and the minute over
# which curves look back holds no start. `scale` makes the data smaller; `runs` is how often unlimited is measured and each
# system's edge repeated; `finest` is how far bisecting goes, in shares of the memory unlimited.
Plan = namedtuple("Plan", "part warm_part calibrate_steps calibrate scale heap_mib runs finest")
FULL = Plan(40.0, 20.0, 4, 3.0, 1.0, 1536, 3, 0.05)
QUICK = Plan(0.7, 0.3, 0, 0.0, 0.1, 256, 1, 0.25)


def live_mib(plan, name):
    return max(8, int(SERVICES[name].live_mib * plan.scale))


def day_of(name, rates, part):
    """The command that gives a service its day. What does not run has no requests at all; else at least two a second."""
    rate = [max(2, round(rates[name] * share[name])) if share[name] else 0 for share in DAY]
    return "day " + " ".join(f"{one}:{part:g}" for one in rate)


def day_seconds(part):
    return part * len(DAY)


def cell_seconds(plan):
    """About how long a cell takes, for the estimate of the time left until cells have shown it."""
    return 14 * plan.scale ** 0.5 + day_seconds(plan.warm_part) + day_seconds(plan.part)
