"""What the runs showed, in rows: one a fault."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.run import Result

LARGEST_DUPLICATED_SHARE = 0.001
PROMISED_P95_S = 10.0
Row = dict[str, object]


def row(results: Sequence[Result]) -> Row:
    """The figures of one fault over its runs. Times are in seconds.

    `recovery_s_max`: the longest time from a blow, or from the end of a provider's fault, to the next hand-over.
    `settled_s_max`: from the last blow to the moment when every alert of the run had been sent and said so; it
    includes what was left to hand over. `emergency_*`: from approval to the relay's word, over all addresses.
    """
    verdicts = [result.verdict for result in results]
    urgent = sorted(seconds for result in results for seconds in result.urgent)
    settled = [result.settled_s for result in results]
    troubles: Counter[str] = sum((Counter(result.troubles) for result in results), Counter())
    return {
        "runs": len(results),
        "kills": sum(result.kills for result in results),
        "blows": sum(result.blows for result in results),
        "deliveries": sum(verdict.expected for verdict in verdicts),
        "lost": sum(verdict.lost for verdict in verdicts),
        "duplicated": sum(verdict.duplicated for verdict in verdicts),
        "in_flight_bound": sum(result.in_flight for result in results),
        "excused": sum(verdict.excused for verdict in verdicts),
        "unexplained": sum(verdict.unexplained for verdict in verdicts),
        "unexpected": sum(verdict.unexpected for verdict in verdicts),
        "late": sum(verdict.late for verdict in verdicts),
        "extra_alerts": sum(result.extra_alerts for result in results),
        "misrecorded": sum(result.misrecorded for result in results),
        "unfinished": settled.count(None),
        "recovery_s_max": round(max((s for result in results for s in result.silences), default=0.0), 2),
        "settled_s_max": round(max((s for s in settled if s is not None), default=0.0), 1),
        "emergencies": len(urgent),
        "emergency_p50_s": _percentile(urgent, 50),
        "emergency_p95_s": _percentile(urgent, 95),
        "emergency_max_s": round(urgent[-1], 2) if urgent else None,
        "died_unasked": sum(result.died_unasked for result in results),
        "troubles": dict(troubles),
        "seeds": [result.seed for result in results],
    }


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    return round(ordered[(len(ordered) - 1) * percent // 100], 2) if ordered else None


def was_kept(figures: Mapping[str, object], *, full: bool) -> bool:
    """Whether nothing was lost and no more doubled than may be. The share counts in runs of full size only."""
    number = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    nothing = ("lost", "unexplained", "unexpected", "late", "extra_alerts", "misrecorded", "unfinished")
    share = number["duplicated"] / max(1, number["deliveries"])
    return (
        all(number[name] == 0 for name in nothing)
        and number["duplicated"] <= number["in_flight_bound"] + number["excused"]
        and (share <= LARGEST_DUPLICATED_SHARE or not full)
    )


def is_slow(figures: Mapping[str, object]) -> bool:
    """Whether fewer than 95% of the emergency messages were handed over within the promised time of approval."""
    p95 = figures["emergency_p95_s"]
    return isinstance(p95, int | float) and p95 > PROMISED_P95_S


def summary(result: Result) -> str:
    """One run in a line."""
    verdict, figures = result.verdict, row([result])
    return (
        f"{result.seed}: {result.blows} blows, {verdict.expected} expected, {verdict.lost} lost, "
        f"{verdict.duplicated} doubled (in flight {result.in_flight}, excused {verdict.excused}, "
        f"unexplained {verdict.unexplained}), "
        f"{verdict.unexpected} unexpected, {verdict.late} late, {result.misrecorded} misrecorded, "
        f"{result.extra_alerts} extra alerts, "
        f"recovered in {figures['recovery_s_max']} s, "
        f"{'never settled' if result.settled_s is None else f'settled after {result.settled_s:.1f} s'}, "
        f"emergency p95 {figures['emergency_p95_s']} s, {result.seconds:.0f} s in all; "
        f"{result.died_unasked} died unasked; {dict(result.troubles)}"
    )


COLUMNS = {
    "runs": "runs", "blows": "blows", "kills": "kills", "deliveries": "deliveries", "lost": "lost",
    "duplicated": "doubled", "in_flight_bound": "in flight", "excused": "excused", "unexplained": "unexplained",
    "unexpected": "unexpected", "late": "late", "misrecorded": "misrecorded", "recovery_s_max": "recovery s",
    "settled_s_max": "settled s",
    "emergency_p95_s": "emergency p95 s", "emergency_max_s": "max s",
}  # fmt: skip


def print_table(by_fault: Mapping[str, Sequence[Result]]) -> dict[str, Row]:
    """Print a row a fault in Markdown; the rows."""
    rows = {name: row(results) for name, results in by_fault.items()}
    print(f"\n| fault | {' | '.join(COLUMNS.values())} |\n|---{'|---:' * len(COLUMNS)}|")
    for name, figures in rows.items():
        print(f"| {name} | {' | '.join(str(figures[column]) for column in COLUMNS)} |")
    return rows
