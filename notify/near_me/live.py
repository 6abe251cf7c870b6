"""What is live at one place: alerts, collection days and statutory notices of every council that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from notify.alerts.publishing import queries as alerts
from notify.alerts.publishing.queries import Published, Wanted
from notify.core import clock
from notify.core.clock import LONDON
from notify.places.queries import Resolved, names_by_code
from notify.staff.council_settings.effective import spoken_names
from notify.staff.models import Council
from notify.staff.queries import councils_covering
from notify.statutory_notices import queries as notices
from notify.statutory_notices.queries import Listed
from notify.waste.postcode_days import PostcodeDays, days_of_postcode

MOST_ALERTS = 60
MOST_NOTICES = 100


@dataclass(frozen=True, slots=True)
class Near:
    """What is live at `place`. `topics` are the alerts that are no emergency, by the topic's name in the language that
    is spoken; `consultations` are notices that people may comment on, the last day first. `names` has what each
    council is called in that language.
    """

    place: Resolved
    ward: str
    councils: Sequence[Council]
    names: Mapping[UUID, str]
    emergencies: Sequence[Published]
    topics: Mapping[str, Sequence[Published]]
    bins: PostcodeDays | None
    consultations: Sequence[Listed]
    notices: Sequence[Listed]

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell but collection days."""
        return not (self.emergencies or self.topics or self.consultations or self.notices)


def live_at(session: Session, place: Resolved) -> Near:
    """Everything that is live at this place now. What has ended is left out."""
    councils = [one for one in councils_covering(session, place.district_code) if not one.merged_into_id]
    found = newest_of_each(alerts.current(session, Wanted(place=place), most=MOST_ALERTS))
    topics: dict[str, list[Published]] = {}
    for one in found:
        if not one.is_urgent:
            topics.setdefault(one.topic.words.name, []).append(one)
    today = clock.now().astimezone(LONDON).date()
    said = notices.live_at(session, [one.id for one in councils], place.ward_code or "", today, limit=MOST_NOTICES)
    asking = [one for one in said if one.latest.comments_by and one.latest.comments_by >= today]
    return Near(
        place,
        names_by_code(session, [place.ward_code]).get(place.ward_code or "", ""),
        councils,
        spoken_names(session, [*(one.id for one in councils), *(one.council.id for one in said)]),
        [one for one in found if one.is_urgent],
        dict(sorted(topics.items())),
        days_of_postcode(session, place.key),
        sorted(asking, key=lambda one: (one.latest.comments_by or today, one.latest.title)),
        [one for one in said if one not in asking],
    )


def newest_of_each(found: Sequence[Published]) -> Sequence[Published]:
    """The newest words of each emergency and of each other alert, without all-clears, in the order given."""
    seen: set[UUID] = set()
    kept = []
    for one in found:
        # not by incident: it may hold several emergencies, each with an instruction of its own
        first = one.alert.follows_id or one.alert.id
        if not one.is_all_clear and first not in seen:
            seen.add(first)
            kept.append(one)
    return kept


def live_now(session: Session, council: str, *, most: int) -> Sequence[Published]:
    """The newest of what is in force of the council with this short name, or of all: emergencies first."""
    return newest_of_each(alerts.current(session, Wanted(council), most=MOST_ALERTS))[:most]
