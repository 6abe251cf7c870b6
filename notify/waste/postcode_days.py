"""Collection days that all homes of a postcode share, for a reader who gave no more than the postcode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session

from notify.waste import home_days, queries
from notify.waste.home_days import HomeDays
from notify.waste.moved_days import Collection as Collected
from notify.waste.queries import FoundHome

MOST_ROUNDS = 12  # a postcode of more different rounds than this is not of one mind
SHOWN_AHEAD = timedelta(days=27)
MOST_DAYS = 3


@dataclass(frozen=True, slots=True)
class PostcodeDays:
    """The `homes` of a postcode, and the `days` of all of them; None where homes differ or nothing fresh is known."""

    homes: Sequence[FoundHome]
    days: HomeDays | None

    @property
    def upcoming(self) -> Mapping[date, Sequence[Collected]]:
        """The next MOST_DAYS days on which something is collected."""
        by_day = self.days.by_day if self.days else {}
        return dict(sorted(by_day.items())[:MOST_DAYS])


def days_of_postcode(session: Session, key: str) -> PostcodeDays | None:
    """The next collections at the postcode with this key; None where no council here has collection days for it."""
    homes = queries.homes_at(session, key)
    if not homes:
        return None
    # homes of one street with the same rules are collected from on the same days
    alike = {(one.release.id, tuple(sorted(one.home.rules)), one.home.usrn): one for one in homes}
    if len(alike) > MOST_ROUNDS:
        return PostcodeDays(homes, None)
    first = home_days.today()
    found = [home_days.days_of_home(session, one, first, first + SHOWN_AHEAD) for one in alike.values()]
    agree = len({_said(one) for one in found}) == 1
    return PostcodeDays(homes, found[0] if agree and found[0].is_fresh and not found[0].unsure else None)


def _said(days: HomeDays) -> tuple[object, ...]:
    """What a page would say of these days, to compare homes by."""
    collected = tuple((one.stream, one.day, one.usual, one.standing) for one in days.collections)
    return (days.found.council.id, days.is_fresh, tuple(days.unsure), collected)
