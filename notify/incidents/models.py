"""What people write down while an incident goes on, and who read it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id, state_column
from notify.core.typed_text import Typed

LONGEST = 2000


class NoteKind(StrEnum):
    """What a note is for: a line in the log, or what the next shift has to know."""

    NOTE = "note"
    HANDOVER = "handover"


class IncidentNote(SQLModel, table=True):
    """A note of an incident. `still_open` is what a handover leaves to the next shift. Notes are never changed."""

    __tablename__ = "incident_note"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    incident_id: UUID = Field(foreign_key="incident.id")
    kind: NoteKind = Field(sa_column=state_column(NoteKind))
    words: str
    still_open: str = ""
    actor: str
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class IncidentNoteRead(SQLModel, table=True):
    """That someone has read a handover."""

    __tablename__ = "incident_note_read"

    note_id: UUID = Field(foreign_key="incident_note.id", primary_key=True, ondelete="CASCADE")
    actor: str = Field(primary_key=True)
    at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class IncidentName(Input):
    """Another name for an incident; the title of its first alert is what it begins with."""

    name: Typed = Field(min_length=1, max_length=120)


class NewNote(Input):
    """A note to add to an incident."""

    words: Typed = Field(min_length=1, max_length=LONGEST)
    kind: NoteKind = NoteKind.NOTE
    still_open: Typed = Field(default="", max_length=LONGEST, description="Of a handover: what is left to do.")
