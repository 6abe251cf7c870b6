"""Releases from a page: kept as an uploaded file, read by a worker, compared, and put into force by a worker.

The file lies in the data folder, which all processes of an installation share, and goes once it is read.
"""

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from notify.core import clock, jobs
from notify.core.db import transaction
from notify.core.errors import Conflict, Invalid, NotifyError
from notify.core.private_files import private_folder
from notify.core.settings import settings
from notify.places import activation, release_loading
from notify.places.file_recognition import SourceKind, recognise
from notify.places.models import Release, ReleaseKind, ReleaseTask, ReleaseTaskState, ReleaseWork
from notify.places.queries import active_release
from notify.places.release_checks import Findings
from notify.staff.queries import is_shared
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)  # renewed while a file is read; all postcodes take a minute or two
LONGEST_NAME = 120
NO_SUCH_RELEASE = "There is no such release. `GET /api/v1/place-releases` lists them."
SHOWN = 10
MOST_MOVES = 20
UNDER_WAY = (ReleaseTaskState.WAITING, ReleaseTaskState.RUNNING)


class ReleasesAreShared(Conflict):
    """Boundaries and postcodes are everybody's on an installation of several councils."""

    title = "Other councils use these boundaries too"


class NoReleaseFile(Invalid):
    """There is nothing to read."""

    title = "Choose a file"


class _LeaseLost(Exception):
    """Another worker has the task: this one was too slow."""


@dataclass(frozen=True, slots=True)
class WardMove:
    """How many places of the council's residents come from one ward into another; None: no ward is known."""

    old_ward: str | None
    new_ward: str | None
    places: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a loaded release changes against the one in force, and for which of the council's residents."""

    release: Release
    previous: Release | None
    findings: Findings
    moves: Sequence[WardMove]


def upload(session: Session, user: Principal, file_name: str, file: BinaryIO) -> ReleaseTask:
    """Keep a file of boundaries or postcodes, and have a worker read it. Raises: ReleasesAreShared, NoReleaseFile."""
    if not may_upload(session, user):
        raise ReleasesAreShared(
            "Boundaries and postcodes are those of every council of this installation, so its operators load them. "
            "Ask one of them, or your system administrator for `notify geodata load`."
        )
    name = re.sub(r"[^\w .-]", "_", Path(file_name).name).lstrip(".")[:LONGEST_NAME]
    if not name:
        raise NoReleaseFile("Choose a file of boundaries or postcodes, as it was downloaded.")
    task = ReleaseTask(
        council_id=user.council_id,
        actor=user.actor,
        work=ReleaseWork.LOAD,
        state=ReleaseTaskState.WAITING,
        file_name=name,
    )
    folder = private_folder(folder_of(task.id))
    with (folder / name).open("wb") as kept:
        shutil.copyfileobj(file, kept, 1_000_000)
    _begin(session, user, task)
    return task


def activate(session: Session, user: Principal, release_id: int, *, is_confirmed: bool) -> ReleaseTask:
    """Have a worker put a loaded release into force.

    Raises: UnknownRelease, ReleaseDropped, ReleasesAreShared, ReleaseNeedsConfirmation unless `is_confirmed`.
    """
    found = compare(session, user.council_id, release_id)
    require_own(session)
    if found.findings.objections and not is_confirmed:
        raise activation.confirmation_needed(release_id, found.findings)
    task = ReleaseTask(
        council_id=user.council_id,
        actor=user.actor,
        work=ReleaseWork.ACTIVATE,
        state=ReleaseTaskState.WAITING,
        release_id=release_id,
        is_confirmed=is_confirmed,
    )
    _begin(session, user, task)
    return task


def may_upload(session: Session, user: Principal) -> bool:
    """Whether nobody else's disk and names are at stake, or they run the installation."""
    return user.may(Right.RUN_INSTALLATION) or not is_shared(session)


def require_own(session: Session) -> None:
    """Refuse to change what other councils work with. Raises: ReleasesAreShared."""
    if is_shared(session):
        raise ReleasesAreShared(
            "A release is put into force for every council of this installation. "
            "Ask your system administrator for `notify geodata activate`."
        )


def _begin(session: Session, user: Principal, task: ReleaseTask) -> None:
    session.add(task)
    session.flush()
    subject = task.file_name or f"release {task.release_id}"
    audit(session, council_id=user.council_id, actor=user.actor, action=f"release.{task.work.value}", subject=subject)
    jobs.note(session, jobs.Job.WORK_ON_RELEASE, str(task.id), lane=jobs.Lane.ROUTINE)


def tasks(session: Session, council_id: UUID) -> Sequence[ReleaseTask]:
    """The council's newest tasks, the newest first."""
    statement = select(ReleaseTask).where(ReleaseTask.council_id == council_id)
    return session.exec(statement.order_by(col(ReleaseTask.id).desc()).limit(SHOWN)).all()


def compare(session: Session, council_id: UUID, release_id: int) -> Comparison:
    """What this release would change. Raises: UnknownRelease, ReleaseDropped."""
    if session.get(Release, release_id) is None:
        raise activation.UnknownRelease(NO_SUCH_RELEASE)
    release = activation.loaded(session, release_id)
    previous = active_release(session, release.kind)
    moves = []
    if release.kind == ReleaseKind.POSTCODE:
        values = {"release": release_id, "council": council_id, "most": MOST_MOVES}
        moves = [WardMove(**row._mapping) for row in session.execute(text(MOVES), values)]
    findings = activation.findings_of(session, release, release_id, previous.id if previous else None)
    return Comparison(release, previous, findings, moves)


def run(task_id: UUID) -> None:
    """Do this task, unless another worker has it. What cannot be done is told on the page.

    While the database is away the task and its file stay, for the next worker. Raises: OperationalError.
    """
    with transaction() as session:
        task = _claim(session, task_id)
    if task is None:
        return
    try:
        outcome = _load(task) if task.work is ReleaseWork.LOAD else _activate(task)
    except _LeaseLost:
        return
    except OperationalError:
        raise
    except NotifyError as error:
        _end(task, ReleaseTaskState.FAILED, failure=error.detail)
    except Exception as error:
        log.exception("Release task %s failed", task_id)
        _end(task, ReleaseTaskState.FAILED, failure=f"It could not be done: {type(error).__name__}.")
    else:
        _end(task, ReleaseTaskState.DONE, outcome=outcome)


def _claim(session: Session, task_id: UUID) -> ReleaseTask | None:
    """The task, whose `lease_until` is what its holder is known by."""
    free = (col(ReleaseTask.lease_until).is_(None)) | (col(ReleaseTask.lease_until) < clock.now())
    statement = update(ReleaseTask).where(col(ReleaseTask.id) == task_id, col(ReleaseTask.state).in_(UNDER_WAY), free)
    taken = statement.values(state=ReleaseTaskState.RUNNING, lease_until=clock.now() + LEASE).returning(ReleaseTask)
    found: ReleaseTask | None = session.execute(taken).scalar_one_or_none()
    if found is not None:
        session.expunge(found)
    return found


def _write(task: ReleaseTask, **values: object) -> None:
    """Write this of a task that is still in hand. Raises: _LeaseLost where another worker has it."""
    held = (col(ReleaseTask.id) == task.id, col(ReleaseTask.lease_until) == task.lease_until)
    with transaction() as session:
        statement = update(ReleaseTask).where(*held).values(**values).returning(col(ReleaseTask.id))
        if session.execute(statement).first() is None:
            raise _LeaseLost


def _load(task: ReleaseTask) -> Mapping[str, int]:
    """Read the file. Raises: what reading raises, _LeaseLost."""
    path = folder_of(task.id) / task.file_name
    source = recognise(path)
    is_postcodes = source.kind == SourceKind.POSTCODES
    read = release_loading.load_postcodes if is_postcodes else release_loading.load_areas

    def progress(rows: int) -> None:
        until = clock.now() + LEASE
        _write(task, rows=rows, lease_until=until)
        task.lease_until = until

    report = read(
        path, product=source.product, version=source.version, attribution=source.attribution, progress=progress
    )
    return {"release_id": report.release_id, "rows": report.rows, "refused": report.refused}


def _activate(task: ReleaseTask) -> Mapping[str, int]:
    """Put the release into force. Raises: what activation raises."""
    with transaction() as session:
        report = activation.activate(session, task.release_id or 0, confirmed=task.is_confirmed)
    return {
        "release_id": report.release_id,
        "added": report.added,
        "removed": report.removed,
        "places_changed": report.places_changed,
        "needing_review": report.needing_review,
    }


def _end(
    task: ReleaseTask, state: ReleaseTaskState, *, failure: str = "", outcome: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Say how it went, and let the file go. Nothing where another worker has the task by now."""
    counts = {name: value for name, value in outcome.items() if name != "release_id"}
    release_id = outcome.get("release_id", task.release_id)
    try:
        _write(
            task,
            state=state,
            failure=failure,
            outcome=counts,
            release_id=release_id,
            lease_until=None,
            finished_at=clock.now(),
        )
    except _LeaseLost:
        return
    shutil.rmtree(folder_of(task.id), ignore_errors=True)


def note_forgotten(session: Session) -> None:
    """Note a job for each task that waits for a worker and that none has in hand."""
    waiting = select(ReleaseTask.id).where(
        col(ReleaseTask.state).in_(UNDER_WAY),
        col(ReleaseTask.lease_until).is_(None) | (col(ReleaseTask.lease_until) < clock.now()),
    )
    for task_id in session.exec(waiting.limit(20)):
        jobs.note(session, jobs.Job.WORK_ON_RELEASE, str(task_id), lane=jobs.Lane.ROUTINE)


def folder_of(task_id: UUID) -> Path:
    """Where the uploaded file of this task lies until it is read."""
    return settings().data_dir / "uploads" / str(task_id)


# places belong to subscribers, which stand above: named here as in `activation`; wards by name as in `names_by_code`
MOVES = """
    WITH ward AS (
        SELECT DISTINCT ON (a.code) a.code, a.name FROM area a JOIN geo_release r ON r.id = a.release_id
        WHERE r.activated_at IS NOT NULL
        ORDER BY a.code, r.retired_at IS NULL DESC, r.id DESC
    )
    SELECT o.name AS old_ward, w.name AS new_ward, count(*) AS places
    FROM place p
    JOIN subscriber s ON s.id = p.subscriber_id AND s.council_id = :council
    LEFT JOIN postcode n ON n.release_id = :release AND n.key = p.postcode
    LEFT JOIN ward o ON o.code = p.ward_code
    LEFT JOIN ward w ON w.code = n.ward_code
    WHERE p.ward_source = 'published' AND p.ward_code IS DISTINCT FROM n.ward_code
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT :most
"""
