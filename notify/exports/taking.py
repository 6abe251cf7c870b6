"""Takes a data set out as a file, written whole before its first byte leaves: a slow reader holds up nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from sqlmodel import Session

from notify import clock
from notify.db import transaction
from notify.exports.dataset import DataSet
from notify.exports.reading import Window, check, rows, safe_until
from notify.exports.writing import MEDIA_TYPES, Format, write
from notify.staff.service import audit

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that is ready to leave. `changed_until` is the `changed_since` of the next time."""

    name: str
    media_type: str
    rows: int
    size: int
    changed_until: datetime
    file: IO[bytes]

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes; it is gone afterwards."""
        with self.file:
            self.file.seek(0)
            while piece := self.file.read(PIECE):
                yield piece


def take(council_id: UUID, actor: str, data: DataSet, window: Window, kind: Format) -> Taken:
    """A data set of this council as a file. Who takes data about people is written down. Raises: ExtractNotPossible."""
    check(data, window)
    if data.is_personal:
        with transaction() as session:
            note_taken(session, council_id, actor, data, window, kind)
    file = TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
    with transaction() as session:
        changed_until = safe_until(session)
        count = write(data, rows(session, council_id, data, window), kind, file)
    name = f"{data.name}-{clock.now():%Y-%m-%d}.{kind}"
    return Taken(name, MEDIA_TYPES[kind], count, file.seek(0, 2), changed_until, file)


def note_taken(session: Session, council_id: UUID, actor: str, data: DataSet, window: Window, kind: str) -> None:
    """Write down who took what about people, and which rows."""
    asked = {"since": window.since, "until": window.until, "changed_since": window.changed_since}
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="extract.take",
        subject=data.name,
        format=str(kind),
        **{name: value.isoformat() for name, value in asked.items() if value},
    )
