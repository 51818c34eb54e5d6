"""What each service does when. The same in both runs, so that they can be compared."""

MIB = 1 << 20

SERVICES = ("orders", "reports", "catalog")

# Commands of DemoService. `idle` leaves a heap full of what the service had before.
ROLES = {
    "busy": ("records 250MiB", "rate 20000"),
    "large": ("records 800MiB", "rate 10000"),
    "idle": ("rate 0", "records 60MiB"),
}
GARBAGE = "garbage 300MiB"  # on top of what an idle service has dropped

# Each service takes each role once.
PHASES = (
    {"orders": "busy", "reports": "idle", "catalog": "large"},
    {"orders": "large", "reports": "busy", "catalog": "idle"},
    {"orders": "idle", "reports": "large", "catalog": "busy"},
)

BUDGET = 3300 * MIB
RESERVE = 384 * MIB
GENEROUS_HEAP = 2200 * MIB       # -Xmx with Aerostat: three of them are twice the budget
OUTSIDE_HEAP = 110 * MIB         # what a guest holds beside the heap: metaspace, code, stacks, the guest's daemon
FIXED_HEAP = (BUDGET - len(SERVICES) * OUTSIDE_HEAP) // len(SERVICES) // MIB * MIB

HOST_CONFIG = """
[host]
backend = "local"
memory = "{budget}MiB"
emergency_reserve = "{reserve}MiB"
runtime_dir = "{directory}"
mode = "act"

[guest."*"]
min = "128MiB"
"""


def host_config(directory):
    return HOST_CONFIG.format(budget=BUDGET // MIB, reserve=RESERVE // MIB, directory=directory)


def take_role(service, role):
    """Orders a role; returns when the service has heard it, which is before it has loaded its records."""
    for command in ROLES[role]:
        service.tell(command)
    if role == "idle":
        service.tell(GARBAGE)
