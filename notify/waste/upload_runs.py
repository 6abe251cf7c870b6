"""Uploaded files of collection days: kept in the data folder, and loaded by a worker, who says how far it is.

All processes of an installation share the data folder. The files go once they are loaded.
"""

import re
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from notify.core import clock, jobs
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.core.errors import NotFound, NotifyError
from notify.core.private_files import private_folder
from notify.core.settings import settings
from notify.waste import release_loading
from notify.waste.file_shapes import NamedHome, ScheduleNotReadable, Source
from notify.waste.models import CollectionUpload, UploadState
from notify.waste.release_loading import LoadingOptions

LEASE = timedelta(minutes=15)  # 2.6 million rows take two
FORGOTTEN_AFTER = timedelta(seconds=20)
KEPT = timedelta(days=1)
LONGEST_NAME, MOST_AT_ONCE = 100, 100


class UnknownUpload(NotFound):
    """The council has no such upload, or it is more than a day old."""

    title = "There is no such upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """Files with what is said beside them."""

    sources: Sequence[Source] = ()
    fields: dict[str, str] = field(default_factory=dict)

    def options(self, actor: str) -> LoadingOptions:
        """What is said beside the files. Raises: ScheduleNotReadable."""
        try:
            fetched = datetime.fromisoformat(self.fields["fetched_at"]) if self.has("fetched_at") else None
            fresh = int(self.fields["fresh_days"]) if self.has("fresh_days") else None
        except ValueError:
            raise ScheduleNotReadable("Write `fetched_at` like 2027-01-05T09:00Z and `fresh_days` in digits.") from None
        if fetched and fetched.tzinfo is None:
            fetched = fetched.replace(tzinfo=LONDON)
        names = ", ".join(one.name for one in self.sources)
        given = (self.fields.get("name") or names, self.fields.get("source") or names, actor)
        paid = [name.strip() for name in self.fields.get("paid", "").split(",") if name.strip()]
        return LoadingOptions(*given, self.fields.get("licence", ""), fetched, fresh, paid=paid)

    def has(self, name: str) -> bool:
        """Whether the field was filled in."""
        return bool(self.fields.get(name))


def keep(session: Session, council_id: UUID, upload: Upload, *, actor: str) -> CollectionUpload:
    """Keep the files and have a worker load them. Raises: ScheduleNotReadable, NothingToLoad."""
    if not upload.sources:
        raise release_loading.NothingToLoad("Choose one file or more.")
    upload.options(actor)  # what is said beside the files is looked at before anybody waits
    names = [f"{number}-{_plain(source.name)}" for number, source in enumerate(upload.sources, start=1)]
    made = CollectionUpload(council_id=council_id, created_by=actor, files=names, said=dict(upload.fields))
    folder = private_folder(_folder(made.id))
    for name, source in zip(names, upload.sources, strict=True):
        with (folder / name).open("wb") as kept:
            shutil.copyfileobj(source.file, kept, 1_000_000)
    session.add(made)
    session.flush()
    jobs.note(session, jobs.Job.LOAD_COLLECTIONS, str(made.id), lane=jobs.Lane.ROUTINE)
    return made


def upload_of(session: Session, council_id: UUID, upload_id: UUID) -> CollectionUpload:
    """One of the council's uploads. Raises: UnknownUpload."""
    found = session.get(CollectionUpload, upload_id)
    if found is None or found.council_id != council_id:
        raise UnknownUpload("It may be more than a day old, or is another council's.")
    return found


def under_way(session: Session, council_id: UUID) -> Sequence[CollectionUpload]:
    """What is being loaded, the newest first."""
    statement = select(CollectionUpload).where(
        CollectionUpload.council_id == council_id, col(CollectionUpload.finished_at).is_(None)
    )
    return session.exec(statement.order_by(col(CollectionUpload.created_at).desc())).all()


def run(upload_id: UUID) -> None:
    """Load these files, unless another worker has them. What cannot be loaded is told on the page."""
    with transaction() as session:
        taken = _claim(session, upload_id)
    if taken is None:
        return
    try:
        release_id = _load(taken)
    except NotifyError as error:
        _note(upload_id, state=UploadState.FAILED, failure=error.detail, finished_at=clock.now())
    except OSError:
        sentence = "The files are not there any more. Upload them again."
        _note(upload_id, state=UploadState.FAILED, failure=sentence, finished_at=clock.now())
    else:
        _note(upload_id, state=UploadState.DONE, release_id=release_id, percent=100, finished_at=clock.now())
    shutil.rmtree(_folder(upload_id), ignore_errors=True)


def _claim(session: Session, upload_id: UUID) -> CollectionUpload | None:
    statement = (
        select(CollectionUpload)
        .where(
            CollectionUpload.id == upload_id,
            col(CollectionUpload.finished_at).is_(None),
            (col(CollectionUpload.lease_until).is_(None)) | (col(CollectionUpload.lease_until) < clock.now()),
        )
        .with_for_update(skip_locked=True)
    )
    found = session.exec(statement).first()
    if found is not None:
        found.state, found.lease_until = UploadState.LOADING, clock.now() + LEASE
        session.add(found)
    return found


def _load(taken: CollectionUpload) -> int:
    """Load the files beside the active release; the new one's number. Raises: what loading raises, OSError."""
    said, folder = taken.said, _folder(taken.id)
    home = NamedHome(said.get("uprn", ""), said.get("address", ""), said.get("postcode", ""))
    whole = sum((folder / name).stat().st_size for name in taken.files) or 1
    with ExitStack() as opened:
        files = [opened.enter_context((folder / name).open("rb")) for name in taken.files]
        named = [name.partition("-")[2] for name in taken.files]
        sources = [Source(name, file, home) for name, file in zip(named, files, strict=True)]
        options = Upload(sources, dict(said)).options(taken.created_by)

        def progress(entries: int) -> None:
            read = sum(_position(file) for file in files)
            _note(taken.id, entries=entries, percent=min(99, 100 * read // whole))

        options.progress = progress
        with transaction() as session:
            return cast(int, release_loading.load(session, taken.council_id, sources, options).id)


def _position(file: BinaryIO) -> int:
    return 0 if file.closed else file.tell()


def _note(upload_id: UUID, **values: object) -> None:
    with transaction() as session:
        session.execute(update(CollectionUpload).where(col(CollectionUpload.id) == upload_id).values(**values))


def note_forgotten(session: Session) -> None:
    """Send the job of an upload that nobody works on again. For the scheduler."""
    before = clock.now() - FORGOTTEN_AFTER
    waiting = select(CollectionUpload.id).where(
        col(CollectionUpload.finished_at).is_(None),
        (col(CollectionUpload.lease_until).is_(None)) & (col(CollectionUpload.created_at) < before)
        | (col(CollectionUpload.lease_until) < clock.now()),
    )
    for upload_id in session.exec(waiting.limit(MOST_AT_ONCE)):
        jobs.note(session, jobs.Job.LOAD_COLLECTIONS, str(upload_id), lane=jobs.Lane.ROUTINE)


def clean_up(session: Session) -> None:
    """Forget uploads of yesterday, with files that nobody loaded. For the scheduler."""
    rows = session.execute(
        text("DELETE FROM collection_upload WHERE created_at < :before RETURNING id"), {"before": clock.now() - KEPT}
    )
    for (upload_id,) in rows.all():
        shutil.rmtree(_folder(upload_id), ignore_errors=True)


def _folder(upload_id: UUID) -> Path:
    return settings().data_dir / "collections" / str(upload_id)


def _plain(name: str) -> str:
    return re.sub(r"[^\w .-]", "_", Path(name).name).lstrip(".")[-LONGEST_NAME:] or "file"
