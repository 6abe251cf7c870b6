"""Councils that change: other districts, another name, and the names they had before."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Invalid
from notify.staff import service
from notify.staff.models import Council, CouncilName
from notify.staff.queries import UnknownCouncil, council_by_slug, lock_council, require_own_life
from notify.staff.service import audit


class NoDistrictLeft(Invalid):
    """A council without a district covers nobody."""

    title = "A council needs a district"


def change_districts(
    session: Session, council: Council, *, add: Sequence[str], remove: Sequence[str], actor: str
) -> Sequence[str]:
    """Change which districts a council covers; those that it covers now.

    Raises: CouncilMerged, CouncilNotValid for what is no code or is not covered, NoDistrictLeft.
    """
    lock_council(session, council.id)
    session.refresh(council)
    require_own_life(session, council)
    service.require_codes(add)
    strange = [code for code in remove if code not in council.district_codes]
    if strange:
        raise service.CouncilNotValid(f"{council.name} does not cover {', '.join(strange)}.")
    before = list(council.district_codes)
    now = [code for code in dict.fromkeys([*before, *add]) if code not in remove]
    if not now:
        raise NoDistrictLeft(f"{council.name} would cover nothing. Name the district that has taken over with --add.")
    council.district_codes = now
    session.add(council)
    audit(
        session,
        council_id=council.id,
        actor=actor,
        action="council.districts",
        subject=council.slug,
        before=before,
        after=now,
    )
    session.flush()
    return now


def rename(session: Session, council: Council, *, name: str, slug: str | None, actor: str) -> None:
    """Give a council another name, and another short name if `slug` is given.

    What was sent before keeps the old one, and addresses with the old short name lead to the council.

    Raises: CouncilMerged, CouncilNotValid, CouncilExists.
    """
    lock_council(session, council.id)
    session.refresh(council)
    require_own_life(session, council)
    if not name.strip():
        raise service.CouncilNotValid("Enter the council's new name.")
    if slug and slug != council.slug:
        service.require_free_slug(session, slug)
    session.add(CouncilName(council_id=council.id, until=clock.now(), slug=council.slug, name=council.name))
    before = council.name
    council.name, council.slug = name.strip(), slug or council.slug
    session.add(council)
    session.flush()
    audit(
        session,
        council_id=council.id,
        actor=actor,
        action="council.rename",
        subject=council.slug,
        before=before,
        after=council.name,
    )


@dataclass(frozen=True, slots=True)
class FormerNames:
    """What councils were called, each name with the moment until which it was, the oldest first."""

    until: Mapping[UUID, Sequence[tuple[datetime, str]]]

    def at(self, council: Council, moment: datetime) -> str:
        """What the council was called at this moment."""
        return next((name for until, name in self.until.get(council.id, ()) if moment < until), council.name)


def former_names(session: Session, council_ids: Collection[UUID]) -> FormerNames:
    """The names that these councils had before."""
    statement = select(CouncilName).where(col(CouncilName.council_id).in_(council_ids))
    found: defaultdict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
    for one in session.exec(statement.order_by(col(CouncilName.until))).all():
        found[one.council_id].append((one.until, one.name))
    return FormerNames(found)


def called(session: Session, slug: str) -> Sequence[UUID]:
    """The council that has this short name or had it; none where no council did. For what stays with the council that
    published it.
    """
    try:
        return [council_by_slug(session, slug).id]
    except UnknownCouncil:
        return []


def speaking_for(session: Session, slug: str) -> Sequence[UUID]:
    """The same, with the council that has taken over and everything that became part of that: for what goes on."""
    found = called(session, slug)
    seen = set(found)
    while found and (after := session.get_one(Council, found[0]).merged_into_id) and after not in seen:
        found = [after]
        seen.add(after)
    return lineage(session, found[0]) if found else []


def lineage(session: Session, council_id: UUID) -> Sequence[UUID]:
    """The council and those that have become part of it, whose history its staff may read."""
    rows = session.execute(
        text("""
            WITH RECURSIVE line AS (
                SELECT id FROM council WHERE id = :council
                UNION SELECT c.id FROM council c JOIN line ON c.merged_into_id = line.id
            ) SELECT id FROM line
        """),
        {"council": council_id},
    )
    return list(rows.scalars())
