"""The text of `/metrics`, in Prometheus' format 0.0.4: what waits now, and what processes wrote down."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlmodel import Session

from notify.core.jobs import Lane
from notify.core.process_counters import BUCKETS_S
from notify.deliveries import holds, process_metrics, queries
from notify.deliveries.models import Hold
from notify.deliveries.queries import LaneDepth, Metered

SEEN_LATELY_S = 60.0
LABEL = re.compile(r'(\w+)="([^"]*)"')

LANES = {
    "batches": "Batches not done yet.",
    "deliveries": "Deliveries in batches not done yet, at most.",
    "held": "Batches that a worker holds now.",
    "oldest_due_seconds": "How long the longest overdue batch has waited.",
}
COUNTERS = {
    "notify_provider_outcomes_total": "What providers said of messages sent to them.",
    "notify_breaker_opened_total": "How often a provider was left alone for failing.",
    "notify_recovered_batches_total": "Batches taken over from workers that died.",
    "notify_reconciled_jobs_total": "Jobs noted again because nobody had been told of due work.",
    "notify_budget_warnings_total": "Times that a council's budget was nearly or wholly spent.",
    "notify_bounce_brakes_total": "Routine alerts put on hold because too many messages bounced.",
    "notify_hits_lost_total": "Clicks and opens that were not counted because the database was away for too long.",
    "notify_bounce_warnings_total": "Emergency alerts of which too many messages bounced.",
}
HISTOGRAM = "notify_time_to_send_seconds"
BOUNDS = (*(f"{bound:g}" for bound in BUCKETS_S), "+Inf")
_ALWAYS_LABELLED = {"notify_provider_outcomes_total", "notify_breaker_opened_total"}


def exposition(session: Session) -> str:
    """Every metric, with its help and type. Names nobody."""
    rows = queries.metered(session)
    lines = [
        *_lanes(queries.lane_depths(session)),
        *_holds(holds.in_force(session)),
        *_counters(rows),
        *_sends(rows),
        *_processes(rows),
        *_dead(rows),
    ]
    return "\n".join(lines) + "\n"


def workers_seen(session: Session) -> Mapping[Lane, int]:
    """How many worker processes of each lane have reported within the last minute."""
    return _workers(queries.metered(session))


def scheduler_age_s(session: Session) -> float:
    """Seconds since a scheduler last ran; infinite when none ever did."""
    return _scheduler_age(queries.metered(session))


def _lanes(depths: Sequence[LaneDepth]) -> Iterator[str]:
    for name, meaning in LANES.items():
        field = "oldest_due_s" if name == "oldest_due_seconds" else name
        values = {f'lane="{depth.lane}"': getattr(depth, field) for depth in depths}
        yield from _family(f"notify_lane_{name}", "gauge", meaning, values)


def _holds(in_force: Sequence[Hold]) -> Iterator[str]:
    counts = dict.fromkeys(("everything", "lane", "alert"), 0)
    for hold in in_force:
        counts["alert" if hold.alert_id else "lane" if hold.lane else "everything"] += 1
    values = {f'scope="{scope}"': count for scope, count in counts.items()}
    yield from _family("notify_holds", "gauge", "Holds in force.", values)


def _counters(rows: Sequence[Metered]) -> Iterator[str]:
    for name, meaning in COUNTERS.items():
        values = {row.labels: row.value for row in rows if row.name == name}
        yield from _family(name, "counter", meaning, values or ({} if name in _ALWAYS_LABELLED else {"": 0}))


def _sends(rows: Sequence[Metered]) -> Iterator[str]:
    """The histogram. What is written down are single buckets; what is shown grows from each to the next."""
    counted: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        if row.name.startswith(HISTOGRAM):
            labels = labels_of_row(row)
            counted[labels.get("lane", ""), labels.get("le", row.name)] += row.value
    yield f"# HELP {HISTOGRAM} From approval, or the time an alert was scheduled for, to each message sent."
    yield f"# TYPE {HISTOGRAM} histogram"
    for lane in Lane:
        so_far = 0.0
        for bound in BOUNDS:
            so_far += counted[lane, bound]
            yield f'{HISTOGRAM}_bucket{{lane="{lane}",le="{bound}"}} {_number(so_far)}'
        yield f'{HISTOGRAM}_sum{{lane="{lane}"}} {_number(counted[lane, f"{HISTOGRAM}_sum"])}'
        yield f'{HISTOGRAM}_count{{lane="{lane}"}} {_number(so_far)}'


def _processes(rows: Sequence[Metered]) -> Iterator[str]:
    workers = {f'lane="{lane}"': count for lane, count in _workers(rows).items()}
    yield from _family("notify_workers", "gauge", "Worker processes that reported within a minute.", workers)
    breakers = {}
    for row in rows:
        if row.name == process_metrics.BREAKER_SEEN and row.age_s < SEEN_LATELY_S:
            labels = labels_of_row(row)
            key = f'process="{labels["process"]}",provider="{labels["provider"]}"'
            breakers[key] = int(labels["state"] in ("open", "probing"))
    meaning = "Whether a worker process leaves a provider alone for failing."
    yield from _family("notify_breaker_open", "gauge", meaning, breakers)
    meaning = "Seconds since a scheduler last ran."
    yield from _family("notify_scheduler_last_run_seconds", "gauge", meaning, {"": _scheduler_age(rows)})


def _dead(rows: Sequence[Metered]) -> Iterator[str]:
    counted = {row.labels: row.value for row in rows if row.name == process_metrics.DEAD}
    values = {f'state="{state}"': counted.get(f'state="{state}"', 0) for state in queries.DEAD}
    meaning = f"Deliveries that failed, of alerts of the last {queries.DEAD_DAYS} days."
    yield from _family(process_metrics.DEAD, "gauge", meaning, values)


def _workers(rows: Sequence[Metered]) -> Mapping[Lane, int]:
    seen = [
        labels_of_row(row)["lane"]
        for row in rows
        if row.name == process_metrics.WORKER_SEEN and row.age_s < SEEN_LATELY_S
    ]
    return {lane: seen.count(lane) for lane in Lane}


def _scheduler_age(rows: Sequence[Metered]) -> float:
    ages = [row.age_s for row in rows if row.name == process_metrics.SCHEDULER_SEEN]
    return max(0.0, min(ages)) if ages else float("inf")


def labels_of_row(row: Metered) -> dict[str, str]:
    """The labels of a row by name."""
    return dict(LABEL.findall(row.labels))


def _family(name: str, kind: str, meaning: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {_number(value)}" if labels else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(round(float(value), 6))
