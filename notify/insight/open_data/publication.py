"""Turns a council's public figures on and off, and makes them each month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts.models import Priority
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid, NotFound
from notify.core.typed_text import with_scheme
from notify.insight.open_data import tables
from notify.insight.open_data.tables import Made
from notify.insight.performance_models import NewTarget, Publication, WhatToPublish
from notify.insight.period import month_before, today
from notify.insight.service_levels.objectives import targets
from notify.languages import _, later
from notify.staff.councils import called
from notify.staff.models import Council
from notify.staff.service import audit

MONTHS_SHOWN = 24


class FiguresNotPublished(NotFound):
    """The council does not show its figures, or there is no such council or table."""

    title = later("These figures are not published")


class ContactNotPossible(Invalid):
    """Whom everyone may ask must be an address."""

    title = "This is no address to ask at"


@dataclass(frozen=True, slots=True)
class Published:
    """One council's public figures. `first` and `last` are the days they cover."""

    council: Council
    tables: Made
    contact: str
    first: date
    last: date
    changed_at: datetime
    targets: Sequence[NewTarget]


def publication(session: Session, council_id: UUID) -> Publication:
    """What this council shows; nothing as long as nobody has said anything."""
    known = session.get(Publication, council_id)
    return known or Publication(council_id=council_id, first_month=today().replace(day=1))


def set_publication(session: Session, *, council_id: UUID, actor: str, new: WhatToPublish) -> Publication:
    """Show the figures or stop showing them, at once. Raises: ContactNotPossible."""
    typed = new.contact.strip()
    contact = typed if "@" in typed else with_scheme(typed)
    if contact and not contact.startswith(("https://", "http://")) and "@" not in contact:
        raise ContactNotPossible("Write an e-mail address, or a web address with https:// before it.")
    kept = session.merge(publication(session, council_id))
    kept.is_on, kept.shows_cost, kept.contact = new.is_on, new.shows_cost, contact
    if new.is_on:
        _make(session, kept)
    session.flush()
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="figures.publish" if new.is_on else "figures.withdraw",
        subject=str(council_id),
        shows_cost=new.shows_cost,
        contact=contact,
    )
    return kept


def renew(session: Session) -> int:
    """Make the figures again of every council whose last ones are of another month; how many."""
    shown = session.exec(select(Publication).where(col(Publication.is_on)).limit(1000)).all()
    due = [one for one in shown if one.made_at is None or _month(one.made_at) != _month(clock.now())]
    for one in due:
        _make(session, one)
    return len(due)


def _month(at: datetime) -> date:
    return at.astimezone(LONDON).date().replace(day=1)


def _make(session: Session, kept: Publication) -> None:
    before = cast(Made, kept.tables or {})
    is_same_month = kept.made_at is not None and _month(kept.made_at) == _month(clock.now())
    kept.first_month = max(tables.first_month(session, kept.council_id), month_before(today(), MONTHS_SHOWN))
    made = tables.make(
        session,
        kept.council_id,
        since=kept.first_month,
        until=today().replace(day=1) - timedelta(days=1),
        with_cost=kept.shows_cost,
    )
    # what changed within the month must not show by switching off and on: it might be one person
    made |= {name: rows for name, rows in before.items() if is_same_month and name in made}
    wards = before.get(tables.WARDS.name) if is_same_month else None
    made[tables.WARDS.name] = tables.sign_ups(session, kept.council_id) if wards is None else wards
    if made != before or kept.figures_changed_at is None:
        kept.figures_changed_at = clock.now().replace(microsecond=0)
    kept.tables, kept.made_at = cast(dict[str, object], made), clock.now()


def published(session: Session, slug: str) -> Published:
    """What this council shows to everyone. Raises: FiguresNotPublished."""
    found = _all(session, slug)
    if not found:
        raise FiguresNotPublished(_("The council does not publish figures about its alerts here."))
    return found[0]


def everything(session: Session) -> Sequence[Published]:
    """What every council shows that shows its figures, by name."""
    return _all(session)


def _all(session: Session, slug: str = "") -> Sequence[Published]:
    shown = (
        select(Publication, Council)
        .join(Council, col(Council.id) == col(Publication.council_id))
        .where(col(Publication.is_on), col(Publication.made_at).is_not(None))
        .order_by(Council.name)
        .limit(1000)
    )
    rows = session.exec(shown.where(col(Council.id).in_(called(session, slug))) if slug else shown)
    return [_published(session, kept, council) for kept, council in rows]


def _published(session: Session, kept: Publication, council: Council) -> Published:
    made_at = kept.made_at or clock.now()
    last = _month(made_at) - timedelta(days=1)
    promised = targets(session, council.id)
    return Published(
        council=council,
        tables=cast(Made, kept.tables or {}),
        contact=kept.contact,
        first=kept.first_month,
        last=last,
        changed_at=kept.figures_changed_at or made_at,
        targets=[promised[priority] for priority in Priority],
    )
