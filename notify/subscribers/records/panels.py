"""What higher features show on a subscriber's record. They register it, so that none is known here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from notify.staff.rights import Principal
from notify.subscribers.queries import SubscriberRecord


@dataclass(frozen=True, slots=True)
class RecordPanel:
    """A part of the record page as HTML; panels stand in the order of `place`, lowest first."""

    place: int
    html_of: Callable[[Session, Principal, SubscriberRecord], str]


_panels: list[RecordPanel] = []


def register(panels: Iterable[RecordPanel]) -> None:
    """Make these all the panels there are."""
    _panels[:] = sorted(panels, key=lambda panel: panel.place)


def shown(session: Session, user: Principal, record: SubscriberRecord) -> Sequence[str]:
    """Every panel of this record, in order, as HTML."""
    return [panel.html_of(session, user, record) for panel in _panels]
