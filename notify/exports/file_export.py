"""Takes a data set out as a file, written whole before its first byte leaves: a slow reader holds up nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from sqlmodel import Session

from notify.core import clock
from notify.core.db import transaction
from notify.core.errors import Forbidden
from notify.exports.dataset import DataSet
from notify.exports.dataset_reader import Window, check, rows, safe_until
from notify.exports.file_formats import MEDIA_TYPES, Format, write
from notify.staff.read_quota import note_reading
from notify.staff.rights import Principal, Right
from notify.staff.service import audit

PIECE = 64 * 1024
A_PERSON = "No key takes out what is about people. Sign in and take it at /staff/exports, or by `notify export`."


class PersonsOnly(Forbidden):
    """What is about people leaves with someone who is there, and with no program."""

    title = "Only a person takes this out"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Whoever may run commands on the installation, for one council. Nobody's rights are asked for."""

    council_id: UUID
    actor: str = "command-line"


Taker = Principal | CommandLine


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


def require_taker(by: Taker, right: Right, *, is_personal: bool) -> None:
    """Refuse who may not take this out; what is about people, anyone who is not here right now.

    Raises: Forbidden, PersonsOnly, SecondFactorNeeded.
    """
    if isinstance(by, CommandLine):
        return
    if is_personal and by.is_key:
        raise PersonsOnly(A_PERSON)
    by.require(right)
    if is_personal:
        by.require_person_here(right)


def take(by: Taker, data: DataSet, window: Window, kind: Format) -> Taken:
    """A data set of the taker's council as a file. Who takes data about people is written down.

    Raises: ExtractNotPossible, and what `require_taker` raises.
    """
    require_taker(by, data.right, is_personal=data.is_personal)
    check(data, window)
    if data.is_personal:
        with transaction() as session:
            note_taken(session, by, data, window, kind)
    file = TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
    with transaction() as session:
        changed_until = safe_until(session)
        count = write(data, rows(session, by.council_id, data, window), kind, file)
        if data.is_personal and isinstance(by, Principal):
            note_reading(session, by, count, f"data set {data.name}", is_export=True)
    name = f"{data.name}-{clock.now():%Y-%m-%d}.{kind}"
    return Taken(name, MEDIA_TYPES[kind], count, file.seek(0, 2), changed_until, file)


def note_taken(session: Session, by: Taker, data: DataSet, window: Window, kind: str) -> None:
    """Write down who took what about people, and which rows."""
    asked = {"since": window.since, "until": window.until, "changed_since": window.changed_since}
    audit(
        session,
        council_id=by.council_id,
        actor=by.actor,
        action="extract.take",
        subject=data.name,
        format=str(kind),
        **{name: value.isoformat() for name, value in asked.items() if value},
    )
