"""`/metrics`, read as a strict parser reads it: what waits, what was counted, and who lives."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from notify.core import process_counters
from notify.core.db import transaction
from notify.core.jobs import Lane, sending_broker
from notify.deliveries import process_metrics, worker_loop
from notify.providers import circuit_breaker
from tests.alerts.calls import created
from tests.deliveries.test_holds import notify, run_chore
from tests.deliveries.test_worker_loop import send
from tests.mailbox import Mailbox
from tests.world import SCRAPER, World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]

KINDS = {"gauge", "counter", "histogram"}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\+Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


@dataclass(slots=True)
class Family:
    """A metric with its samples, by name and labels."""

    kind: str
    help: str
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    def value(self, name: str = "", **labels: str) -> float:
        """The one sample with these labels; `name` where the family has several."""
        found = [
            value
            for (of, has), value in self.samples.items()
            if dict(has) == labels and (not name or of.endswith(name))
        ]
        assert len(found) == 1, (name, labels, self.samples)
        return found[0]


def parsed(page: str) -> dict[str, Family]:
    """Every family. Fails at whatever a Prometheus server would refuse, or warn of."""
    assert page.endswith("\n")
    families: dict[str, Family] = {}
    helps: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            assert name not in helps, line
            helps[name] = words
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            assert name not in families, line
            assert kind in KINDS, line
            families[name] = Family(kind, helps[name])
        else:
            add_sample(families, line)
    assert set(helps) == set(families)
    return families


def add_sample(families: dict[str, Family], line: str) -> None:
    match = SAMPLE.fullmatch(line)
    assert match, line
    name, labels, value = match.groups()
    newest = list(families)[-1]  # samples follow their own family's type
    family = families[newest]
    assert name == newest or (family.kind == "histogram" and name.removeprefix(newest) in ("_bucket", "_sum", "_count"))
    assert (family.kind == "counter") == newest.endswith("_total"), line
    pairs = tuple(LABEL.findall(labels or ""))
    assert "".join(f'{key}="{word}",' for key, word in pairs).rstrip(",") == (labels or ""), line
    assert (name, pairs) not in family.samples, line
    family.samples[name, pairs] = float(value)


def scrape(client: Client) -> dict[str, Family]:
    reply = client.get("/metrics", headers=SCRAPER)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parsed(reply.text)


@pytest.fixture(autouse=True)
def counted_so_far() -> Iterator[None]:
    """What other tests of this process counted is none of ours."""
    process_counters.take()
    yield
    process_counters.take()


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_an_installation_that_has_done_nothing_has_every_metric(client: Client, world: World) -> None:
    families = scrape(client)
    assert set(families) == {
        "notify_lane_batches",
        "notify_lane_deliveries",
        "notify_lane_held",
        "notify_lane_oldest_due_seconds",
        "notify_holds",
        "notify_provider_outcomes_total",
        "notify_breaker_opened_total",
        "notify_recovered_batches_total",
        "notify_reconciled_jobs_total",
        "notify_bounce_brakes_total",
        "notify_budget_warnings_total",
        "notify_bounce_warnings_total",
        "notify_hits_lost_total",
        "notify_time_to_send_seconds",
        "notify_workers",
        "notify_breaker_open",
        "notify_scheduler_last_run_seconds",
        "notify_dead_deliveries",
    }
    assert all(family.help.endswith(".") for family in families.values())
    assert families["notify_scheduler_last_run_seconds"].value() == float("inf")
    assert families["notify_workers"].value(lane="emergency") == 0
    assert families["notify_recovered_batches_total"].value() == 0


def test_what_waits_and_what_is_held_shows(client: Client, world: World) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    with transaction() as session:
        session.execute(text("UPDATE batch SET due_at = business_now() - interval '1 minute'"))
    notify("hold", "--lane", "routine", "reason")
    families = scrape(client)
    assert families["notify_lane_batches"].value(lane="routine") == 1
    assert families["notify_lane_deliveries"].value(lane="routine") == 1
    assert 60 <= families["notify_lane_oldest_due_seconds"].value(lane="routine") < 120
    assert families["notify_lane_oldest_due_seconds"].value(lane="emergency") == 0
    assert {scope: families["notify_holds"].value(scope=scope) for scope in ("everything", "lane", "alert")} == {
        "everything": 0,
        "lane": 1,
        "alert": 0,
    }


def test_hand_overs_are_a_histogram_for_each_lane(client: Client, world: World, work: Work, mail: Mailbox) -> None:
    for number in range(3):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    send(world)
    send(world, priority="emergency")
    work()
    process_metrics.write()
    family = scrape(client)["notify_time_to_send_seconds"]
    for lane, times in (("routine", 3), ("emergency", 3), ("transactional", 0)):
        buckets = {
            dict(labels)["le"]: value
            for (name, labels), value in family.samples.items()
            if name.endswith("_bucket") and dict(labels)["lane"] == lane
        }
        assert list(buckets.values()) == sorted(buckets.values())
        assert [float(bound) for bound in buckets] == sorted([*process_counters.BUCKETS_S, float("inf")])
        assert buckets["+Inf"] == family.value("_count", lane=lane) == times
    assert 0 < family.value("_sum", lane="routine") < 60


def test_a_bucket_holds_everything_that_is_not_slower(client: Client, world: World) -> None:
    process_counters.observe_all("notify_time_to_send_seconds", [0.1, 0.1, 0.2, *[4000] * 5], lane="routine")
    process_metrics.write()
    family = scrape(client)["notify_time_to_send_seconds"]
    found = {bound: family.value("_bucket", lane="routine", le=bound) for bound in ("0.1", "0.25", "3600", "+Inf")}
    assert found == {"0.1": 2, "0.25": 3, "3600": 3, "+Inf": 8}
    assert family.value("_sum", lane="routine") == pytest.approx(0.2 + 0.2 + 20_000)


def test_counters_of_many_processes_add_up(client: Client, world: World) -> None:
    """Writers at the same moment, each with other counters first, neither lose anything nor wait for each other."""

    def write(names: list[str]) -> None:
        for _ in range(20):
            with transaction() as session:
                counted = {(name, 'provider="smtp"'): 1.0 for name in names}
                process_metrics.add_all(session, counted)

    names = [f"notify_{letter}_total" for letter in "abcdefgh"]
    writers = [threading.Thread(target=write, args=(order,)) for order in (names, names[::-1], names[3:] + names[:3])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with transaction() as session:
        rows = session.execute(text("SELECT name, value FROM meter ORDER BY name")).all()
    assert [tuple(row) for row in rows] == [(name, 60) for name in names]


def test_counts_that_cannot_be_written_go_with_the_next(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("", {}, Exception("the database system is starting up"))

    process_counters.count("notify_provider_outcomes_total", 3, provider="smtp", outcome="accepted")
    with monkeypatch.context() as patched:
        patched.setattr(process_metrics, "transaction", away)
        with pytest.raises(OperationalError):
            process_metrics.write()
    process_counters.count("notify_provider_outcomes_total", provider="smtp", outcome="accepted")
    process_metrics.write()
    process_metrics.write()
    family = scrape(client)["notify_provider_outcomes_total"]
    assert family.value(provider="smtp", outcome="accepted") == 4


def test_a_worker_is_seen_while_it_reports_and_forgotten_afterwards(client: Client, world: World) -> None:
    process_metrics.write(Lane.EMERGENCY)
    process_metrics.write(Lane.EMERGENCY)
    assert scrape(client)["notify_workers"].value(lane="emergency") == 1
    with transaction() as session:
        session.execute(text("UPDATE meter SET value = value - 61 WHERE name = 'notify_worker_seen'"))
    assert scrape(client)["notify_workers"].value(lane="emergency") == 0
    process_metrics.write(Lane.EMERGENCY)
    assert scrape(client)["notify_workers"].value(lane="emergency") == 1
    process_metrics.leave(Lane.EMERGENCY)
    assert scrape(client)["notify_workers"].value(lane="emergency") == 0


def test_breakers_are_shown_as_they_are_now_and_vanish_with_their_process(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"smtp": "open", "file": "closed"}
    monkeypatch.setattr(circuit_breaker, "states", lambda: states)
    who = process_metrics.process_name()

    def shown() -> dict[str, float]:
        family = scrape(client)["notify_breaker_open"]
        assert all(dict(labels)["process"] == who for _, labels in family.samples)
        return {dict(labels)["provider"]: value for (_, labels), value in family.samples.items()}

    process_metrics.write(Lane.ROUTINE)
    assert shown() == {"smtp": 1, "file": 0}
    states["smtp"] = "closed"
    process_metrics.write(Lane.ROUTINE)
    assert shown() == {"smtp": 0, "file": 0}
    with transaction() as session:
        session.execute(text("UPDATE meter SET value = value - 61 WHERE name = 'notify_breaker_seen'"))
    assert shown() == {}
    with transaction() as session:
        session.execute(text("UPDATE meter SET value = value - 700 WHERE name = 'notify_breaker_seen'"))
    run_chore("say that the scheduler runs")
    with transaction() as session:
        kept = session.execute(text("SELECT count(*) FROM meter WHERE name = 'notify_breaker_seen'")).scalar_one()
    assert kept == 0


def test_a_scheduler_that_runs_counts_what_it_did(client: Client, world: World) -> None:
    add_resident(world, "a@example.org")
    alert = created(client, world.headers, send=True)
    worker_loop.expand_alert(alert["id"])
    sending_broker().client.flushall()
    run_chore("note forgotten jobs")
    run_chore("say that the scheduler runs")
    families = scrape(client)
    assert families["notify_reconciled_jobs_total"].value() == 1
    assert 0 <= families["notify_scheduler_last_run_seconds"].value() < 60


def test_dead_deliveries_are_counted_by_state_and_leave_when_they_are_tried_again(
    client: Client, world: World, work: Work, mail: Mailbox
) -> None:
    for number in range(3):  # one by one, because deliveries are numbered in their order
        add_resident(world, f"r{number}@example.org")
    alert = created(client, world.headers, send=True)
    work()
    give_up(alert["id"], {"technical-failure": [1, 2], "unknown": [3]})
    run_chore("count dead deliveries")
    family = scrape(client)["notify_dead_deliveries"]
    assert family.value(state="technical-failure") == 2
    assert family.value(state="unknown") == 1
    assert family.value(state="temporary-failure") == 0
    notify("queue", "retry", "--alert", alert["id"])
    run_chore("count dead deliveries")
    assert scrape(client)["notify_dead_deliveries"].value(state="technical-failure") == 0


def give_up(alert_id: str, states: dict[str, list[int]], *, reason: str = "No provider took it.") -> None:
    """Let deliveries of an alert that is done have ended so, as the engine writes it."""
    with transaction() as session:
        for state, number in [(state, number) for state, numbers in states.items() for number in numbers]:
            session.execute(
                text("""
                    WITH moved AS (
                        UPDATE delivery SET state = :state, reason = :reason, sent_at = NULL
                        WHERE alert_id = :alert AND number = :number RETURNING month
                    ), counted AS (
                        UPDATE batch SET sent = sent - 1
                        WHERE alert_id = :alert AND :number BETWEEN number_from AND number_to
                    )
                    INSERT INTO event (month, at, alert_id, number, kind)
                    SELECT month, business_now(), :alert, :number, :state FROM moved
                """),
                {"alert": alert_id, "number": number, "state": state, "reason": reason},
            )
