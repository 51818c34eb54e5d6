"""The edges of the agent (tests/integration/agent) on each JDK × collector, not on a few."""

import os
import sys

os.environ["AEROSTAT_THOROUGH"] = "1"  # before they are read
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration", "agent"))

from test_edges import Edges  # noqa: E402, F401
from test_heap_dumps import HeapDumps  # noqa: E402, F401
from test_memory_kinds import MemoryKinds  # noqa: E402, F401
from test_pool_thresholds import PoolThresholds  # noqa: E402, F401
from test_small_runtime import SmallRuntime  # noqa: E402, F401

from hard_case import run_and_count  # noqa: E402

if __name__ == "__main__":
    run_and_count()
