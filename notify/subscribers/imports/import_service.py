"""Lists that a council brings, as pages and the API handle them: upload, columns, look, import, take back, remove."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import cast
from uuid import UUID

from sqlalchemy import case, text, update
from sqlalchemy.orm import InstrumentedAttribute, defer
from sqlmodel import Session, col, select

from notify.core import clock, jobs, tokens
from notify.core.errors import Conflict, NotFound
from notify.staff.rights import Principal
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers.imports import columns
from notify.subscribers.imports.csv_file import FileNotReadable
from notify.subscribers.imports.models import (
    UNDER_WAY,
    ImportOptions,
    ImportState,
    RowOutcome,
    SubscriberImport,
    SubscriberImportRow,
    is_half_in,
)
from notify.subscribers.imports.tables import open_table
from notify.subscribers.models import ConsentEvidence
from notify.subscribers.service import evidence_of

SEALED = "subscriber-import"
SAMPLE_ROWS = 5
LONGEST_NAME = 120
FILE_KEPT = UNDO_WITHIN = timedelta(days=1)
REPORT_KEPT = timedelta(days=90)
_WITHOUT_FILE = defer(cast("InstrumentedAttribute[bytes | None]", SubscriberImport.file))
HALF_IN = "Part of the list is in. Undo that first, or import the rest of it as it is."
TOOK_TOO_LONG = "The import did not come to an end within a day, and its file was removed. Upload the list again."
SETTLED = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED)


class UnknownImport(NotFound):
    """The council has no such import, or its report is not kept any more."""

    title = "There is no such import"


class ImportNotReady(Conflict):
    """The import is in another state; the message says what it waits for."""

    title = "The import is not ready for this"


@dataclass(frozen=True, slots=True)
class Sample:
    """The columns of a list and its first rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def upload(session: Session, user: Principal, file_name: str, file: bytes) -> SubscriberImport:
    """Keep a list, sealed and for a day at most, with what its columns seem to hold. Raises: FileNotReadable."""
    if not file.strip():
        raise FileNotReadable("Choose a file, or paste the list.")
    table = open_table(file)
    first = [list(line.cells) for line in islice(table.lines, SAMPLE_ROWS) if not line.problem]
    sample = json.dumps({"header": list(table.header), "rows": first}).encode()
    made = SubscriberImport(
        council_id=user.council_id,
        actor=user.actor,
        file_name=" ".join(file_name.split())[:LONGEST_NAME] or "pasted list",
        fingerprint=tokens.keyed_hash("import", hashlib.sha256(file).hexdigest()),
        file=tokens.seal_file(SEALED, file),
        sample=tokens.seal_file(SEALED, sample),
        fields=columns.guess(table.header),
        state=ImportState.UPLOADED,
    )
    session.add(made)
    session.flush()
    _audit(session, user, made, "upload")
    return made


def sample_of(one: SubscriberImport) -> Sample | None:
    """The columns and the first rows, while the list is kept."""
    if one.sample is None:
        return None
    held = json.loads(tokens.unseal_file(SEALED, one.sample))
    return Sample(held["header"], held["rows"])


def imports(session: Session, council_id: UUID, *, limit: int = 50) -> Sequence[SubscriberImport]:
    """This council's imports, the newest first, without their files."""
    statement = select(SubscriberImport).where(SubscriberImport.council_id == council_id)
    return session.exec(statement.options(_WITHOUT_FILE).order_by(col(SubscriberImport.id).desc()).limit(limit)).all()


def one_import(session: Session, council_id: UUID, import_id: UUID) -> SubscriberImport:
    """One of this council's imports. Raises: UnknownImport."""
    statement = select(SubscriberImport).where(
        SubscriberImport.council_id == council_id, SubscriberImport.id == import_id
    )
    found = session.exec(statement.options(_WITHOUT_FILE)).first()
    if found is None:
        raise UnknownImport("Your council has no import with this id, or its report is not kept any more.")
    return found


def imported_before(session: Session, one: SubscriberImport) -> SubscriberImport | None:
    """The last import of exactly this file, if there is one: once more adds nothing new."""
    statement = select(SubscriberImport).where(
        SubscriberImport.council_id == one.council_id,
        SubscriberImport.fingerprint == one.fingerprint,
        SubscriberImport.id != one.id,
        SubscriberImport.state == ImportState.DONE,
    )
    return session.exec(statement.options(_WITHOUT_FILE).order_by(col(SubscriberImport.id).desc()).limit(1)).first()


def _lock(session: Session, one: SubscriberImport) -> None:
    """Read the import as it is now, and let nobody else change it before this transaction is through."""
    session.flush()
    names = ("state", "sample", "fields", "options", "counts", "lines_done", "finished_at")
    session.refresh(one, names, with_for_update=True)


def describe(
    session: Session, user: Principal, one: SubscriberImport, fields: Sequence[str], options: ImportOptions
) -> None:
    """Say what the columns hold and what the people agreed to.

    Raises: FileNotReadable, UnknownTopic, ImportNotReady.
    """
    _lock(session, one)
    sample = sample_of(one)
    if one.state not in SETTLED or sample is None:
        raise ImportNotReady("The list was imported already, or is not kept any more. Upload it again.")
    if is_half_in(one.state, one.lines_done):
        raise ImportNotReady(HALF_IN)
    columns.require(fields, sample.header)
    for slug in options.topics:
        queries.topic(session, user.council_id, slug)
    if "topics" not in fields and not options.topics:
        raise FileNotReadable("The list has no column of topics: choose at least one topic for everyone in it.")
    one.fields, one.options = list(fields), options.model_dump(mode="json")
    session.add(one)


def begin(session: Session, user: Principal, one: SubscriberImport, state: ImportState) -> None:
    """Have a worker look at every row, import the list or take it back. Raises: ImportNotReady."""
    _lock(session, one)
    before = {
        ImportState.CHECKING: SETTLED,
        ImportState.IMPORTING: SETTLED,
        ImportState.UNDOING: (ImportState.DONE, ImportState.FAILED),
    }[state]
    if one.state not in before or (state is not ImportState.UNDOING and (one.sample is None or not one.options)):
        raise ImportNotReady(f"The import is {one.state}. {_what_next(one)}")
    if state is ImportState.UNDOING and not may_undo(one):
        raise ImportNotReady("An import can be taken back within a day. Change or erase people one by one.")
    if is_half_in(one.state, one.lines_done) and (state is ImportState.CHECKING or "undone" in one.counts):
        raise ImportNotReady(HALF_IN)
    if state is not ImportState.UNDOING and not one.lines_done:
        session.execute(text("DELETE FROM subscriber_import_row WHERE import_id = :import"), {"import": one.id})
        one.counts = {}
    one.state, one.failure, one.lease, one.lease_until = state, "", None, None  # a half goes on after its last row
    one.actor, one.tries, one.started_at = user.actor, 0, clock.now()
    session.add(one)
    session.flush()
    _audit(session, user, one, state.value)
    jobs.note(session, jobs.Job.IMPORT_SUBSCRIBERS, str(one.id), lane=jobs.Lane.ROUTINE)


def _what_next(one: SubscriberImport) -> str:
    if one.state in UNDER_WAY:
        return "Wait until that is done."
    return "Say first what its columns hold and what the people agreed to, or upload the list again."


def may_undo(one: SubscriberImport) -> bool:
    """Whether the import, or part of it, is in and no day old."""
    is_in = one.state is ImportState.DONE or is_half_in(one.state, one.lines_done)
    return is_in and bool(one.finished_at and one.finished_at > clock.now() - UNDO_WITHIN)


def may_go_on(one: SubscriberImport) -> bool:
    """Whether part of the list is in, and the rest can be imported."""
    return is_half_in(one.state, one.lines_done) and one.sample is not None and "undone" not in one.counts


def remove_file(session: Session, user: Principal, one: SubscriberImport) -> None:
    """Throw the list away that was not imported. Raises: ImportNotReady."""
    _lock(session, one)
    if one.state not in SETTLED:
        raise ImportNotReady(f"The import is {one.state}. Its file goes by itself once it is done.")
    one.state = one.state if is_half_in(one.state, one.lines_done) else ImportState.REMOVED
    one.file, one.sample = None, None
    session.add(one)
    _audit(session, user, one, "remove")


def refusals(session: Session, one: SubscriberImport, *, limit: int) -> Sequence[SubscriberImportRow]:
    """The rows that were refused, or taken with something to look at, in the order of the list."""
    statement = (
        select(SubscriberImportRow)
        .where(SubscriberImportRow.import_id == one.id, SubscriberImportRow.reason != "")
        .order_by(col(SubscriberImportRow.row))
        .limit(limit)
    )
    return session.exec(statement).all()


def is_refused(row: SubscriberImportRow) -> bool:
    """Whether the row added nobody."""
    return row.outcome == RowOutcome.REFUSED


def options_of(one: SubscriberImport) -> ImportOptions:
    """What was said of the whole list."""
    return ImportOptions.model_validate(one.options)


def evidence_for(session: Session, council_id: UUID, options: ImportOptions) -> ConsentEvidence:
    """The evidence of consent. The version is named after the words, so that the same words are the same version."""
    version = f"list-{hashlib.sha256(options.wording.encode()).hexdigest()[:10]}"
    return evidence_of(
        session,
        council_id,
        ConsentEvidence(
            wording_version=version,
            wording=options.wording,
            language=options.language,
            source=options.source,
            given_at=options.given_at,
        ),
    )


def clean_up(session: Session) -> None:
    """Remove files after a day, who was in a list when it cannot be taken back any more, and old reports.

    What no worker has brought to an end within a day has failed.
    """
    now = clock.now()
    stuck = (
        select(SubscriberImport)
        .where(col(SubscriberImport.state).in_(UNDER_WAY), col(SubscriberImport.started_at) < now - FILE_KEPT)
        .options(_WITHOUT_FILE)
        .with_for_update(skip_locked=True)
    )
    for one in session.exec(stuck).all():
        _give_up(session, one)
    old = col(SubscriberImport.created_at) < now - FILE_KEPT
    kept = old & col(SubscriberImport.file).is_not(None) & col(SubscriberImport.state).not_in(UNDER_WAY)
    half_in = (col(SubscriberImport.state) == ImportState.FAILED) & (col(SubscriberImport.lines_done) > 0)
    removed = case((half_in, ImportState.FAILED), else_=ImportState.REMOVED)
    session.execute(update(SubscriberImport).where(kept).values(file=None, sample=None, state=removed))
    session.execute(text(FORGET_PEOPLE), {"before": now - UNDO_WITHIN})
    session.execute(text(FORGET_REPORTS), {"before": now - REPORT_KEPT})


def _give_up(session: Session, one: SubscriberImport) -> None:
    """End what no worker brings to an end. What is being undone goes on, without the file."""
    one.file, one.sample = None, None
    session.add(one)
    if one.state is ImportState.UNDOING:
        return
    if one.state is ImportState.IMPORTING:
        counts: dict[str, object] = dict(one.counts)
        action = "subscriber.import"
        audit(session, council_id=one.council_id, actor=one.actor, action=action, subject=str(one.id), **counts)
    else:
        one.lines_done = 0
    one.state, one.failure, one.lease, one.finished_at = ImportState.FAILED, TOOK_TOO_LONG, None, clock.now()


def _audit(session: Session, user: Principal, one: SubscriberImport, what: str) -> None:
    audit(session, council_id=user.council_id, actor=user.actor, action=f"import.{what}", subject=str(one.id))


FORGET_PEOPLE = """
    DELETE FROM subscriber_import_row r USING subscriber_import i
    WHERE r.import_id = i.id AND r.subscriber_id IS NOT NULL AND i.finished_at < :before
      AND i.state NOT IN ('checking', 'importing', 'undoing')
"""
FORGET_REPORTS = """
    DELETE FROM subscriber_import
    WHERE created_at < :before AND state NOT IN ('checking', 'importing', 'undoing')
"""
