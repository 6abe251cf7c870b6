"""Reads the register: what holds, everything that was said, and for which days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from notify.core.clock import midnight
from notify.core.errors import NotFound
from notify.languages import _, later
from notify.staff.councils import called
from notify.staff.models import Council
from notify.statutory_notices.models import Matter, NoticeVersion, StatutoryNotice

PAGE = 25
NEWS = timedelta(days=28)  # a notice without a last day is news for so long


class UnknownNotice(NotFound):
    """No council here ever published a notice with this reference, or this version of it."""

    title = later("There is no such notice")


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice with the version that holds, or the one that was asked for."""

    notice: StatutoryNotice
    latest: NoticeVersion


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry with whose it is."""

    notice: StatutoryNotice
    latest: NoticeVersion
    council: Council


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices are asked for. `open_on`: those that people may still comment on that day."""

    council: str = ""
    council_id: UUID | None = None
    kind: Matter | None = None
    ward: str = ""
    open_on: date | None = None
    since: date | None = None
    until: date | None = None


def live_at(
    session: Session, council_ids: Sequence[UUID], ward: str, today: date, *, limit: int = PAGE
) -> Sequence[Listed]:
    """The notices of these councils that concern this ward now, the newest first: those that people may comment on,
    those in force until a day to come, and those without either for NEWS after they were published.
    """
    in_force = or_(
        col(NoticeVersion.comments_by) >= today,
        col(NoticeVersion.in_force_until) >= today,
        and_(
            col(NoticeVersion.comments_by).is_(None),
            col(NoticeVersion.in_force_until).is_(None),
            col(StatutoryNotice.published_at) >= midnight(today - NEWS),
        ),
    )
    own = col(StatutoryNotice.council_id).in_(council_ids)
    found = _latest(Wanted(ward=ward)).where(own, in_force, col(NoticeVersion.is_withdrawn).is_(False))
    return [Listed(notice, version, council) for notice, version, council in session.exec(found.limit(limit))]


def listed(session: Session, wanted: Wanted, *, page: int = 1, limit: int = PAGE) -> Sequence[Listed]:
    """The notices that fit, each with its latest version, the newest first; one more than the limit where there are."""
    statement = _latest(wanted)
    if wanted.council:
        statement = statement.where(col(StatutoryNotice.council_id).in_(called(session, wanted.council)))
    rows = session.exec(statement.offset((page - 1) * limit).limit(limit + 1))
    return [Listed(notice, version, council) for notice, version, council in rows]


def _latest(wanted: Wanted) -> Select[StatutoryNotice, NoticeVersion, Council]:
    """The notices that fit, each with its latest version and its council, the newest first."""
    newest = (
        select(NoticeVersion.notice_id, func.max(NoticeVersion.version).label("version"))
        .group_by(col(NoticeVersion.notice_id))
        .subquery()
    )
    statement = (
        select(StatutoryNotice, NoticeVersion, Council)
        .join(newest, newest.c.notice_id == StatutoryNotice.id)
        .join(
            NoticeVersion,
            (col(NoticeVersion.notice_id) == StatutoryNotice.id) & (NoticeVersion.version == newest.c.version),
        )
        .join(Council, col(Council.id) == StatutoryNotice.council_id)
    )
    if wanted.council_id:
        statement = statement.where(StatutoryNotice.council_id == wanted.council_id)
    if wanted.kind:
        statement = statement.where(NoticeVersion.kind == wanted.kind)
    if wanted.ward:
        # one without wards concerns everyone
        statement = statement.where(
            or_(col(NoticeVersion.wards) == [], col(NoticeVersion.wards).contains([wanted.ward]))
        )
    if wanted.open_on:
        statement = statement.where(
            col(NoticeVersion.comments_by) >= wanted.open_on, col(NoticeVersion.is_withdrawn).is_(False)
        )
    if wanted.since:
        statement = statement.where(StatutoryNotice.published_at >= midnight(wanted.since))
    if wanted.until:
        statement = statement.where(StatutoryNotice.published_at < midnight(wanted.until + timedelta(days=1)))
    return statement.order_by(col(StatutoryNotice.published_at).desc(), col(StatutoryNotice.id).desc())


def versions(session: Session, notice: StatutoryNotice) -> Sequence[NoticeVersion]:
    """Everything this notice ever said, the newest first."""
    statement = select(NoticeVersion).where(NoticeVersion.notice_id == notice.id)
    return session.exec(statement.order_by(col(NoticeVersion.version).desc())).all()


def entry(session: Session, council_id: UUID, notice_id: UUID) -> Entry:
    """A council's own notice. Raises: UnknownNotice."""
    notice = session.get(StatutoryNotice, notice_id)
    if notice is None or notice.council_id != council_id:
        raise UnknownNotice("Your council has no notice with this id.")
    return Entry(notice, versions(session, notice)[0])


def by_reference(session: Session, council: str, reference: str) -> tuple[StatutoryNotice, Council]:
    """The notice at this permanent address. Raises: UnknownNotice."""
    statement = (
        select(StatutoryNotice, Council)
        .join(Council, col(Council.id) == StatutoryNotice.council_id)
        .where(col(Council.id).in_(called(session, council)), StatutoryNotice.reference == reference)
    )
    found = session.exec(statement).first()
    if found is None:
        raise UnknownNotice(_("No notice has this reference. Look for it in the list of notices."))
    return found
