"""The figures at the end of the demo, for people and as JSON."""

from moves import decision_to_verified, moved_bytes
from roles import BUDGET, FIXED_HEAP, GENEROUS_HEAP, MIB, SERVICES


def service_figures(name, ours, fixed, seconds, fixed_seconds):
    return {"name": name,
            "throughput": ours["served"] / seconds, "throughput_fixed_heap": fixed["served"] / fixed_seconds,
            "worst_latency_ms": ours["worst_us"] / 1000, "worst_latency_fixed_heap_ms": fixed["worst_us"] / 1000,
            "p99_latency_ms": ours["p99_us"] / 1000, "p99_latency_fixed_heap_ms": fixed["p99_us"] / 1000,
            "full_gcs": ours["full_gcs"], "full_gcs_fixed_heap": fixed["full_gcs"],
            "oom_errors": ours["oome"], "oom_errors_fixed_heap": fixed["oome"], "corrupt_records": ours["corrupt"] + fixed["corrupt"]}


def figures(ours, fixed, operations, seconds, java):
    """`ours` and `fixed` are (reports, measured seconds, samples of resident bytes) of the two runs."""
    services = [service_figures(name, ours[0][name], fixed[0][name], ours[1], fixed[1]) for name in SERVICES]
    return {"seconds": round(seconds, 1), "java": java, "budget_bytes": BUDGET,
            "heap_limit_bytes": GENEROUS_HEAP, "fixed_heap_bytes": FIXED_HEAP,
            "mean_resident_bytes": mean(ours[2]), "mean_resident_fixed_heap_bytes": mean(fixed[2]),
            "peak_resident_bytes": max(ours[2]), "peak_resident_fixed_heap_bytes": max(fixed[2]),
            "over_budget_share": round(sum(sample > BUDGET for sample in ours[2]) / len(ours[2]), 3),
            "moved_bytes": moved_bytes(operations), "decision_to_verified_ms": decision_to_verified(operations),
            "oom_errors": sum(service["oom_errors"] for service in services),
            "oom_errors_fixed_heap": sum(service["oom_errors_fixed_heap"] for service in services),
            "full_gcs_caused": sum(max(0, service["full_gcs"] - service["full_gcs_fixed_heap"]) for service in services),
            "corrupt_records": sum(service["corrupt_records"] for service in services), "services": services}


def mean(samples):
    return round(sum(samples) / len(samples))


def gib(count):
    return f"{count / (1 << 30):.2f} GiB"


def text(result):
    lines = [f"Three services on JDK {result['java']}, together {gib(result['budget_bytes'])} of memory.",
             f"With Aerostat each heap may grow to {result['heap_limit_bytes'] // MIB} MiB and the host shares the memory out;"
             f" without, each has {result['fixed_heap_bytes'] // MIB} MiB.", "",
             f"{'':10}{'requests a second':>30}{'worst latency, ms':>24}{'99 %, ms':>18}{'full GCs':>18}",
             f"{'service':<10}{'fixed':>10}{'Aerostat':>10}{'':>10}" + f"{'fixed':>14}{'Aerostat':>10}" + f"{'fixed':>8}{'Aerostat':>10}" * 2]
    for service in result["services"]:
        before, after = service["throughput_fixed_heap"], service["throughput"]
        change = f"{(after / before - 1) * 100:+.0f} %" if before else ""
        lines.append(f"{service['name']:<10}{before:>10,.0f}{after:>10,.0f}{change:>10}"
                     f"{service['worst_latency_fixed_heap_ms']:>14,.0f}{service['worst_latency_ms']:>10,.0f}"
                     f"{service['p99_latency_fixed_heap_ms']:>8,.0f}{service['p99_latency_ms']:>10,.0f}"
                     f"{service['full_gcs_fixed_heap']:>8}{service['full_gcs']:>10}")
    times = result["decision_to_verified_ms"]
    moved = f"moved {gib(result['moved_bytes'])}"
    if times["median"] is not None:
        moved += f"; from decision to verified: median {times['median']:.0f} ms, longest {times['max']:.0f} ms, {times['moves']} moves"
    lines += ["", moved,
              f"OutOfMemoryErrors: {result['oom_errors']} (fixed heaps: {result['oom_errors_fixed_heap']}); "
              f"full GCs caused: {result['full_gcs_caused']}; corrupt records: {result['corrupt_records']}",
              f"resident memory of the JVMs: {gib(result['mean_resident_bytes'])} on average, {gib(result['peak_resident_bytes'])} at most "
              f"(fixed heaps: {gib(result['mean_resident_fixed_heap_bytes'])}, {gib(result['peak_resident_fixed_heap_bytes'])}); "
              f"above the budget {result['over_budget_share'] * 100:.0f} % of the time",
              f"{result['seconds']:.0f} s in all"]
    return "\n".join(lines)


def broken_promises(result):
    """What must never happen, and did."""
    broken = []
    if result["oom_errors"]:
        broken.append(f"{result['oom_errors']} OutOfMemoryErrors with Aerostat")
    if result["corrupt_records"]:
        broken.append(f"{result['corrupt_records']} corrupt records")
    if result["full_gcs_caused"]:
        broken.append(f"{result['full_gcs_caused']} full collections more than with fixed heaps")
    if not result["moved_bytes"]:
        broken.append("no memory was moved")
    return broken
