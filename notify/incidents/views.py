"""What the JSON interface shows of incidents."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.alerts.incidents.models import Incident, IncidentState
from notify.core.settings import settings
from notify.incidents.desk import Desk
from notify.incidents.figures import MessageCount, PeopleCount
from notify.incidents.models import IncidentNote, NoteKind
from notify.incidents.timeline import Happening


class IncidentView(SQLModel):
    """An incident as its council sees it."""

    id: UUID
    name: str
    hazard: str | None = Field(description="What its first alert called the event.")
    state: IncidentState
    is_training: bool
    opened_at: datetime
    ended_at: datetime | None
    public_page: str | None = Field(description="Where residents read about it; none of an exercise.")

    @classmethod
    def of(cls, incident: Incident) -> "IncidentView":
        """The public fields of this incident."""
        page = None if incident.is_training else f"{settings().base_url}/incidents/{incident.ref}"
        return cls(**incident.model_dump(exclude={"council_id", "ref", "opened_by", "ended_by"}), public_page=page)


class IncidentPage(SQLModel):
    """One page of incidents, newest first. `next` goes into `after` for the page that follows."""

    incidents: list[IncidentView]
    next: UUID | None


class MessageCountView(SQLModel):
    """Messages of one channel, or of all. All but `accepted` add up to `messages`."""

    name: str
    messages: int
    accepted: int = Field(description="A provider took it, whatever came after.")
    delivered: int = Field(description="A receipt says that it arrived.")
    no_receipt: int = Field(description="Accepted, and no word since.")
    failed: int
    not_sent: int = Field(description="Suppressed, unsubscribed, cancelled or expired before.")
    waiting: int

    @classmethod
    def of(cls, count: MessageCount) -> "MessageCountView":
        """The same numbers."""
        return cls(**{name: getattr(count, name) for name in cls.model_fields})


class PeopleCountView(SQLModel):
    """People of one ward, or of all, each once."""

    name: str
    people: int
    known: int = Field(description="A receipt or a reply says that they were reached.")
    no_receipt: int
    waiting: int
    not_reached: int = Field(description="Every message to them failed or was not sent.")
    asked: int
    help: int = Field(description="Their last reply asks for help.")
    safe: int
    not_answered: int
    unknown: int = Field(description="Have not replied, and were not found by a call or visit either.")

    @classmethod
    def of(cls, count: PeopleCount) -> "PeopleCountView":
        """The same numbers."""
        return cls(**{name: getattr(count, name) for name in cls.model_fields})


class IncidentDetailView(IncidentView):
    """An incident with its alerts and its numbers."""

    alerts: list[UUID] = Field(description="The oldest first.")
    in_force_until: datetime | None
    messages: MessageCountView
    by_channel: list[MessageCountView]
    people: PeopleCountView
    by_ward: list[PeopleCountView]
    cost_pounds: float | None = Field(description="None where no price is set.")
    calls: int | None = Field(description="Calls about its topics; none where none were uploaded.")

    @classmethod
    def of_desk(cls, desk: Desk) -> "IncidentDetailView":
        """What the page shows."""
        figures = desk.figures
        return cls(
            **IncidentView.of(desk.incident).model_dump(),
            alerts=[one.id for one in desk.alerts],
            in_force_until=desk.in_force_until,
            messages=MessageCountView.of(figures.messages),
            by_channel=[MessageCountView.of(one) for one in figures.by_channel],
            people=PeopleCountView.of(figures.people),
            by_ward=[PeopleCountView.of(one) for one in figures.by_ward],
            cost_pounds=figures.cost,
            calls=desk.calls,
        )


class HappeningView(SQLModel):
    """One line of an incident's log. `kind`: deed, sent, note, handover or replies."""

    at: datetime
    kind: str
    words: str
    who: str
    still_open: str = Field(description="Of a handover: what is left to do.")
    note: UUID | None = Field(description="The id of a handover.")
    read_by: list[str]

    @classmethod
    def of(cls, one: Happening) -> "HappeningView":
        """The line as data."""
        return cls(
            at=one.at, kind=one.kind, words=one.words, who=one.who, still_open=one.more, note=one.note_id,
            read_by=list(one.readers),
        )  # fmt: skip


class IncidentLogView(SQLModel):
    """What happened, newest first."""

    log: list[HappeningView]


class NoteView(SQLModel):
    """A note that was kept."""

    id: UUID
    kind: NoteKind
    words: str
    still_open: str
    at: datetime

    @classmethod
    def of(cls, note: IncidentNote) -> "NoteView":
        """The public fields of this note."""
        return cls(**note.model_dump(exclude={"incident_id", "actor"}))
