"""Which part of a council's alerts an officer has to do with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core.errors import Forbidden, Invalid
from notify.staff.models import Officer, Role

# Places stand above and cannot be imported; the database itself knows which codes are in force. Where nothing is
# loaded, nobody can say.
_NOT_IN_FORCE = text("""
    SELECT c.code, ARRAY(SELECT s.code FROM area_successors(c.code) s ORDER BY s.share DESC LIMIT 5) AS successors
    FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS c (code, n)
    WHERE NOT area_is_current(c.code)
      AND EXISTS (SELECT FROM geo_release WHERE activated_at IS NOT NULL AND retired_at IS NULL)
    ORDER BY c.n
""")


class OutsideYourRemit(Forbidden):
    """An administrator narrowed what this officer writes about."""

    title = "This is outside the topics or areas given to you"


class RemitAreaNotInForce(Invalid):
    """An area that has ended, or that no release knows, gives an officer nothing to work with."""

    title = "The area is not in force"


def areas_not_in_force(session: Session, codes: Sequence[str]) -> Sequence[str]:
    """A sentence for each of these codes that is not in force, with what has taken over."""
    wrong = session.execute(_NOT_IN_FORCE, {"codes": list(codes)}).all() if codes else []
    return [
        f"{row.code} has ended: use {', '.join(row.successors)}."
        if row.successors
        else f"No release in force knows {row.code}."
        for row in wrong
    ]


def require_areas_in_force(session: Session, codes: Sequence[str]) -> None:
    """Refuse a remit with codes that are not in force. Raises: RemitAreaNotInForce."""
    if wrong := areas_not_in_force(session, codes):
        raise RemitAreaNotInForce(" ".join(wrong[:5]))


@dataclass(frozen=True, slots=True)
class Remit:
    """Topics by short name and areas by ward or district code; None: all of them, nothing listed: none."""

    topics: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None

    def require_topic(self, slug: str) -> None:
        """Refuse what is about another topic. Raises: OutsideYourRemit."""
        if self.topics is not None and slug not in self.topics:
            raise OutsideYourRemit(f"You write about {_listed(self.topics)} only.")

    def require_areas(self, codes: Sequence[str], *, only_codes: bool) -> None:
        """Refuse an audience that is not wholly made of the given areas. Raises: OutsideYourRemit."""
        if self.areas is None:
            return
        strange = [code for code in codes if code not in self.areas]
        if strange or not codes or not only_codes:
            raise OutsideYourRemit(f"You write to {_listed(self.areas)} only: choose from these as a whole.")


EVERYTHING = Remit()
COUNCILLORS = frozenset({Role.COUNCILLOR, Role.COUNCILLOR_SENDER})


def remit_of(officer: Officer) -> Remit:
    """What this officer has to do with. A councillor has nothing but the wards that are listed."""
    areas: tuple[str, ...] | None = tuple(officer.areas)
    if not areas and officer.role not in COUNCILLORS:
        areas = None
    return Remit(topics=tuple(officer.topics) or None, areas=areas)


def remit_of_key(role: Role, owner: Officer | None) -> Remit:
    """What a key of this role has to do with: what its owner has, and as a councillor's no ward that is not listed."""
    remit = remit_of(owner) if owner else EVERYTHING
    return replace(remit, areas=()) if role in COUNCILLORS and remit.areas is None else remit


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing yet"


def add_topics(session: Session, council_id: UUID, slug: str, new: Sequence[str], *, keeps: bool) -> None:
    """Officers of this council who work with the topic `slug` work with these as well, or (not `keeps`) instead."""
    limited = select(Officer).where(Officer.council_id == council_id, col(Officer.topics).contains([slug]))
    for officer in session.exec(limited.with_for_update()).all():
        kept = [one for one in officer.topics if keeps or one != slug]
        officer.topics = list(dict.fromkeys([*kept, *new]))
        session.add(officer)
    session.flush()
