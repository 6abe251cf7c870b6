"""The audit trail is a chain: whatever is done to it behind our back is seen."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from notify.core import clock, db
from notify.core.db import transaction
from notify.staff import audit as staff_audit
from notify.staff.service import audit

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def anchors(servers: object) -> Iterator[Path]:
    path = staff_audit.anchors_file()
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def write(count: int) -> None:
    with transaction() as session:
        for number in range(count):
            audit(session, council_id=None, actor="test", action="thing.done", subject=str(number), figure=1.5, why="é")


def seal_and_anchor() -> None:
    with transaction() as session:
        staff_audit.seal(session)
    with transaction() as session:
        staff_audit.anchor(session)


def problems(anchors: Path) -> str:
    with transaction() as session:
        return " ".join(staff_audit.verify(session, [anchors]).problems)


def behind_our_back(statement: str) -> None:
    with db.engine().begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statement))


def test_an_untouched_trail_is_whole(anchors: Path) -> None:
    write(20)
    seal_and_anchor()
    write(3)
    seal_and_anchor()
    with transaction() as session:
        verdict = staff_audit.verify(session, [anchors])
    assert (verdict.sealed, verdict.unsealed, verdict.anchors, verdict.problems) == (23, 0, 2, [])


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("UPDATE audit_entry SET actor = 'someone-else' WHERE subject = '7'", "is not as it was written"),
        ("UPDATE audit_entry SET detail = '{}' WHERE subject = '7'", "is not as it was written"),
        ("UPDATE audit_entry SET at = at + interval '1 second' WHERE subject = '7'", "is not as it was written"),
        ("DELETE FROM audit_entry WHERE subject = '7'", "was removed"),
        ("DELETE FROM audit_seal WHERE position = 8", "missing"),
        (
            "UPDATE audit_entry SET subject = CASE subject WHEN '7' THEN '8' ELSE '7' END WHERE subject IN ('7', '8')",
            "is not as it was written",
        ),
        (
            "UPDATE audit_seal SET entry_id = -entry_id WHERE position IN (7, 8);"
            "UPDATE audit_seal s SET entry_id = -o.entry_id FROM audit_seal o "
            "WHERE s.position + o.position = 15 AND s.position IN (7, 8)",
            "is not as it was written",
        ),
        (
            "DELETE FROM audit_entry e USING audit_seal s WHERE s.entry_id = e.id AND s.position > 15;"
            "DELETE FROM audit_seal WHERE position > 15",
            "the tail was cut",
        ),
        ("DELETE FROM audit_seal; DELETE FROM audit_entry", "the tail was cut"),
        (
            "INSERT INTO audit_entry (at, actor, action, subject, detail) "
            "VALUES (business_now() - interval '1 day', 'x', 'y', 'z', '{}')",
            "not sealed",
        ),
    ],
)
def test_what_is_done_behind_our_back_is_seen(anchors: Path, done: str, said: str) -> None:
    write(20)
    seal_and_anchor()
    for statement in done.split(";"):
        behind_our_back(statement)
    assert said in problems(anchors)


def test_a_tail_sealed_anew_after_a_cut_differs_from_the_anchor(anchors: Path) -> None:
    write(20)
    seal_and_anchor()
    behind_our_back("DELETE FROM audit_entry e USING audit_seal s WHERE s.entry_id = e.id AND s.position > 15")
    behind_our_back("DELETE FROM audit_seal WHERE position > 15")
    write(10)
    with transaction() as session:
        staff_audit.seal(session)
    assert "differs from what was anchored" in problems(anchors)


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
def test_the_application_can_neither_change_nor_remove(table: str) -> None:
    write(1)
    seal_and_anchor()
    column = {"audit_entry": "subject = 'x'", "audit_seal": "position = 9"}[table]
    for statement in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(IntegrityError, match="append-only"), db.engine().begin() as connection:
            connection.execute(text(statement))


def test_an_entry_that_commits_late_is_sealed_then(anchors: Path) -> None:
    with transaction() as slow:
        audit(slow, council_id=None, actor="test", action="slow", subject="slow")
        slow.flush()
        write(5)
        seal_and_anchor()
    seal_and_anchor()
    assert problems(anchors) == ""


BACKDATED = (
    "INSERT INTO audit_entry (at, actor, action, subject, detail) "
    "VALUES (business_now() - interval '1 hour', 'x', 'y', 'z', '{}')"
)


def later(**by: float) -> None:
    moment = clock.now() + timedelta(**by)
    clock.use(lambda: moment)


def test_a_backdated_entry_that_was_sealed_afterwards_is_reported_as_slipped_in(anchors: Path) -> None:
    later(seconds=0)
    write(3)
    seal_and_anchor()
    behind_our_back(BACKDATED)
    seal_and_anchor()
    write(3)
    seal_and_anchor()
    said = problems(anchors)
    assert said.count("it was slipped in") == 1
    assert "Entry" in said


def test_entries_of_a_gap_without_a_scheduler_are_late_and_no_fault(anchors: Path) -> None:
    later(seconds=0)
    write(3)
    seal_and_anchor()
    later(minutes=30)
    write(2)
    later(minutes=30)
    write(1)
    seal_and_anchor()
    with transaction() as session:
        verdict = staff_audit.verify(session, [anchors])
    assert (len(verdict.late), verdict.problems) == (2, [])
    # what was slipped in stands out from what merely waited
    behind_our_back(BACKDATED.replace("1 hour", "3 hours"))
    seal_and_anchor()
    with transaction() as session:
        verdict = staff_audit.verify(session, [anchors])
    assert (len(verdict.late), ["slipped in" in fault for fault in verdict.problems]) == (2, [True])


def test_a_gap_that_was_made_up_in_the_database_is_none(anchors: Path) -> None:
    later(seconds=0)
    write(3)
    seal_and_anchor()
    behind_our_back("UPDATE audit_seal SET sealed_since = sealed_since - interval '1 day', sealed_at = sealed_at")
    behind_our_back("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 second' WHERE position = 2")
    assert problems(anchors).count("is not as it was written") >= 1


def test_more_than_one_run_can_seal_is_late_at_most(anchors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_audit, "MOST_AT_ONCE", 2)
    later(seconds=0)
    seal_and_anchor()
    write(5)
    later(hours=1)
    for _ in range(3):
        seal_and_anchor()
        later(minutes=3)
    with transaction() as session:
        verdict = staff_audit.verify(session, [anchors])
    assert (verdict.sealed, len(verdict.late), verdict.problems) == (5, 5, [])


def test_an_anchor_is_written_when_the_chain_has_grown(anchors: Path) -> None:
    write(1)
    for _ in range(3):
        seal_and_anchor()
    write(1)
    seal_and_anchor()
    assert len(anchors.read_text().splitlines()) == 2


def test_a_tail_cut_within_the_hour_is_seen(anchors: Path) -> None:
    write(5)
    seal_and_anchor()
    later(minutes=1)
    write(1)
    seal_and_anchor()
    behind_our_back("DELETE FROM audit_entry e USING audit_seal s WHERE s.entry_id = e.id AND s.position > 5")
    behind_our_back("DELETE FROM audit_seal WHERE position > 5")
    assert "the tail was cut" in problems(anchors)


def test_many_sealers_and_writers_make_one_chain(anchors: Path) -> None:
    def seal() -> None:
        for _ in range(5):
            write(4)
            with transaction() as session:
                staff_audit.seal(session)

    threads = [threading.Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal_and_anchor()
    with transaction() as session:
        verdict = staff_audit.verify(session, [anchors])
    assert (verdict.sealed, verdict.problems) == (80, [])


def test_without_anchors_the_verifier_says_so(anchors: Path) -> None:
    write(1)
    later = clock.now() + timedelta(minutes=5)
    clock.use(lambda: later)
    assert "no anchors" in problems(anchors)
    assert "not sealed" in problems(anchors)
