"""Which part of a council's alerts an officer has to do with."""

from collections.abc import Sequence
from dataclasses import dataclass

from notify.errors import Forbidden
from notify.staff.models import Officer, Role


class OutsideYourRemit(Forbidden):
    """An administrator narrowed what this officer writes about."""

    title = "This is outside the topics or areas given to you"


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


def remit_of(officer: Officer) -> Remit:
    """What this officer has to do with. A councillor has nothing but the wards that are listed."""
    areas: tuple[str, ...] | None = tuple(officer.areas)
    if not areas and officer.role != Role.COUNCILLOR:
        areas = None
    return Remit(topics=tuple(officer.topics) or None, areas=areas)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing yet"
