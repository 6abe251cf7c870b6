"""The work of an import in the background: looking at every row, adding the people, or taking them back.

A chunk of rows is a transaction. What a worker that died has done is not done twice: `lines_done` says how far it came.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID, uuid4

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from notify.core import clock, jobs, tokens
from notify.core.db import expect_many_rows, transaction
from notify.core.errors import NotifyError
from notify.staff.queries import council, require_open
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers.imports import columns, import_undo
from notify.subscribers.imports.csv_file import Row, rows_of
from notify.subscribers.imports.enrolment import Enrolled
from notify.subscribers.imports.import_lease import LEASE, LeaseLost, renew
from notify.subscribers.imports.import_service import SEALED, evidence_for, options_of
from notify.subscribers.imports.models import UNDER_WAY, ImportState, RowOutcome, SubscriberImport
from notify.subscribers.imports.service import CHUNK_ROWS, ImportedList, ImportReport, chunks, import_chunk
from notify.subscribers.imports.tables import open_table
from notify.subscribers.models import ConfirmedBy
from notify.subscribers.service import record_wording

log = logging.getLogger(__name__)

MOST_TRIES = 3
BROKE_OFF = "The import broke off three times, and was ended. Undo what is in, or save the list as CSV and try again."
COUNTED = ("rows", "created", "updated", "refused", "needs_review", "waiting", "asked", "had_unsubscribed", "erased")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An import that this worker has in hand."""

    id: UUID
    council_id: UUID
    actor: str
    lease: UUID
    state: ImportState
    lines_done: int
    tries: int
    file: bytes
    fields: Sequence[str]


def run(import_id: UUID) -> None:
    """Do what this import waits for, unless another worker does. A list that cannot be read is told in its report.

    So is what went wrong three times on end: nothing is tried for ever. Raises: what went wrong before that.
    """
    with transaction() as session:
        one = _claim(session, import_id)
    if one is None:
        return
    if one.tries > MOST_TRIES:  # workers that were killed said nothing
        with transaction() as session:
            _end(session, one, ImportState.FAILED, failure=BROKE_OFF)
        return
    started = time.monotonic()
    try:
        if one.state is ImportState.UNDOING:
            is_through = _through(import_undo.steps(one.id, one.lease), one)
        else:
            is_through = _through(_import(one), one)
    except NotifyError as error:
        with transaction() as session:
            _end(session, one, ImportState.FAILED, failure=error.detail)
        return
    except Exception:
        if one.tries < MOST_TRIES:
            raise
        log.exception("import ended after it broke off", extra={"import": str(one.id)})
        with transaction() as session:
            _end(session, one, ImportState.FAILED, failure=BROKE_OFF)
        return
    if is_through:
        after = {ImportState.CHECKING: ImportState.CHECKED, ImportState.IMPORTING: ImportState.DONE}
        with transaction() as session:
            _end(session, one, after.get(one.state, ImportState.UNDONE))
    log.info("import", extra={"state": one.state.value, "seconds": round(time.monotonic() - started, 1)})


def _claim(session: Session, import_id: UUID) -> Claimed | None:
    row = session.exec(
        select(SubscriberImport)
        .where(
            SubscriberImport.id == import_id,
            col(SubscriberImport.state).in_(UNDER_WAY),
            col(SubscriberImport.lease_until).is_(None) | (col(SubscriberImport.lease_until) < clock.now()),
        )
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    row.lease, row.lease_until = uuid4(), clock.now() + LEASE
    row.tries += 1
    session.add(row)
    file = tokens.unseal_file(SEALED, row.file) if row.file and row.state is not ImportState.UNDOING else b""
    return Claimed(
        row.id, row.council_id, row.actor, row.lease, row.state, row.lines_done, row.tries, file, tuple(row.fields)
    )


def _through(steps: Iterator[None], one: Claimed) -> bool:
    """Whether every step was done, and none was another worker's."""
    try:
        for _ in steps:
            pass
    except LeaseLost:
        log.warning("import taken over by another worker", extra={"import": str(one.id)})
        return False
    return True


def _import(one: Claimed) -> Iterator[None]:
    """Add chunk after chunk, or look what adding it would do and add nothing."""
    table = open_table(one.file)
    columns.require(one.fields, table.header)
    with transaction() as session:
        options = options_of(session.get_one(SubscriberImport, one.id))
    lines = columns.in_our_order(table.lines, one.fields)
    rows = rows_of(lines, columns.columns_of(one.fields), options.topics)
    for chunk in chunks(islice(rows, one.lines_done, None)):
        with transaction() as session:
            _take_chunk(session, one, chunk)
        yield


def _take_chunk(session: Session, one: Claimed, chunk: Sequence[Row]) -> None:
    held = renew(session, one.id, one.lease)
    require_open(session, council(session, one.council_id))
    options = options_of(held)
    is_look = one.state is ImportState.CHECKING
    report = ImportReport(most=CHUNK_ROWS)
    evidence = evidence_for(session, one.council_id, options)
    if not is_look:
        expect_many_rows(session)
        record_wording(session, evidence)
    topics = queries.topics_by_slug(session, one.council_id)
    proof = None if options.confirm else ConfirmedBy.COUNCIL
    whole = ImportedList(one.council_id, one.actor, evidence, topics, proof, is_look)
    outcomes = import_chunk(session, whole, chunk, report)
    _keep_outcomes(session, one, report, outcomes)
    counts = {name: held.counts.get(name, 0) + getattr(report, name) for name in COUNTED}
    session.execute(
        update(SubscriberImport)
        .where(col(SubscriberImport.id) == one.id)
        .values(counts=counts, lines_done=SubscriberImport.lines_done + len(chunk), tries=0)
    )


def _keep_outcomes(session: Session, one: Claimed, report: ImportReport, outcomes: Sequence[Enrolled]) -> None:
    """Who was added or changed, so that it can be taken back; and why rows were refused, for the report."""
    taken = [] if one.state is ImportState.CHECKING else [found for found in outcomes if found.subscriber_id]
    refused = [(problem.row, RowOutcome.REFUSED, problem.reason) for problem in report.problems]
    noted = {note.row: note.reason for note in report.notes}
    seen = {found.row for found in taken}
    refused += [(row, RowOutcome.NOTED, reason) for row, reason in noted.items() if row not in seen]
    session.execute(
        text(KEEP_TAKEN),
        {
            "import": one.id,
            "rows": [found.row for found in taken],
            "outcomes": [found.status.value for found in taken],
            "people": [found.subscriber_id for found in taken],
            "added": [",".join(found.added) for found in taken],
            "reasons": [noted.get(found.row, "") for found in taken],
        },
    )
    session.execute(
        text(KEEP_REFUSED),
        {
            "import": one.id,
            "rows": [row for row, _, _ in refused],
            "outcomes": [outcome.value for _, outcome, _ in refused],
            "reasons": [reason for _, _, reason in refused],
        },
    )


def _end(session: Session, one: Claimed, state: ImportState, failure: str = "") -> None:
    """Note the result. The file of a list that is in is needed no more. Raises nothing where the lease was lost."""
    now = clock.now()
    changed: dict[str, object] = {"state": state, "failure": failure, "lease": None, "lease_until": None}
    if state is ImportState.DONE or (state is ImportState.FAILED and one.state is not ImportState.UNDOING):
        changed |= {"finished_at": now}
    changed |= {"file": None, "sample": None} if state in (ImportState.DONE, ImportState.UNDONE) else {}
    changed |= {"undone_at": now} if state is ImportState.UNDONE else {}
    changed |= {"lines_done": 0} if one.state is ImportState.CHECKING else {}  # a look put nothing in
    statement = update(SubscriberImport).where(
        col(SubscriberImport.id) == one.id, col(SubscriberImport.lease) == one.lease
    )
    ended = session.execute(statement.values(**changed).returning(SubscriberImport)).scalar_one_or_none()
    is_in = state is ImportState.DONE or (one.state is ImportState.IMPORTING and state is ImportState.FAILED)
    if ended and (is_in or state is ImportState.UNDONE):
        action = "subscriber.import" if is_in else "subscriber.import-undo"
        counts: dict[str, object] = dict(ended.counts)
        audit(session, council_id=one.council_id, actor=one.actor, action=action, subject=str(one.id), **counts)


def note_forgotten(session: Session) -> None:
    """Note a job for each import that waits for a worker and that none has in hand."""
    now = clock.now()
    waiting = select(SubscriberImport.id).where(
        col(SubscriberImport.state).in_(UNDER_WAY),
        col(SubscriberImport.lease_until).is_(None) | (col(SubscriberImport.lease_until) < now),
    )
    for import_id in session.exec(waiting.limit(20)):
        jobs.note(session, jobs.Job.IMPORT_SUBSCRIBERS, str(import_id), lane=jobs.Lane.ROUTINE)


KEEP_TAKEN = """
    INSERT INTO subscriber_import_row (import_id, row, outcome, subscriber_id, at, added, reason)
    SELECT :import, r.row, r.outcome, s.id, s.changed_at, string_to_array(r.added, ','), r.reason
    FROM unnest(CAST(:rows AS integer[]), CAST(:outcomes AS varchar[]), CAST(:people AS uuid[]),
                CAST(:added AS varchar[]), CAST(:reasons AS varchar[])) AS r (row, outcome, person, added, reason)
    JOIN subscriber s ON s.id = r.person
    ON CONFLICT (import_id, row) DO NOTHING
"""
KEEP_REFUSED = """
    INSERT INTO subscriber_import_row (import_id, row, outcome, added, reason)
    SELECT :import, r.row, r.outcome, '{}', r.reason
    FROM unnest(CAST(:rows AS integer[]), CAST(:outcomes AS varchar[]), CAST(:reasons AS varchar[]))
        AS r (row, outcome, reason)
    ON CONFLICT (import_id, row) DO NOTHING
"""
