"""What a resident may choose from at a postcode: its wards, the councils that cover it, and their topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from babel.dates import format_date
from sqlmodel import Session

from notify.core.errors import Invalid
from notify.languages import _, spoken
from notify.places import postcodes
from notify.places.models import Area
from notify.places.queries import Resolved, areas_by_code, resolve_postcodes
from notify.staff.council_settings.effective import settings_of
from notify.staff.models import Council
from notify.staff.queries import councils_of_districts
from notify.subscribers.models import Topic
from notify.subscribers.topic_queries import TopicSection, sections, topics_offered

MOST_WITHOUT_GROUPS = 8  # more topics than this are shown group by group


class PlaceNotServed(Invalid):
    """There is nothing to sign up for at this postcode; the message says why and what helps."""

    title = "There are no alerts for this postcode"


@dataclass(frozen=True, slots=True)
class CouncilTopics:
    """A council's topics."""

    council_id: UUID
    council_name: str
    topics: Sequence[Topic]
    sections: Sequence[TopicSection] = ()

    @classmethod
    def of(cls, session: Session, council: Council, topics: Sequence[Topic]) -> "CouncilTopics":
        """The council's topics by their groups where there are many, otherwise as one list in their order."""
        found = sections(session, topics)
        ordered = [topic for section in found for topic in section.topics]
        if len(ordered) <= MOST_WITHOUT_GROUPS:
            found = [TopicSection("", ordered)]
        return cls(council.id, council.name, ordered, found)


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward by its published code."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a resident at `postcode` (as printed) may choose. Several `wards` where it lies near their boundary.
    `languages` are those that these councils offer beside English and Welsh.
    """

    postcode: str
    wards: Sequence[Ward]
    groups: Sequence[CouncilTopics]
    languages: Sequence[str] = ()

    @property
    def topics(self) -> Sequence[Topic]:
        """Every topic on offer."""
        return [topic for group in self.groups for topic in group.topics]


def offer_at(session: Session, text: str, only: UUID | None = None) -> Offer:
    """What there is at this postcode, as a resident typed it; of one council `only` where its officer asks.

    Raises: PostcodeNotValid, PlaceNotServed.
    """
    found = place_at(session, text)
    key = found.key
    codes = [code for code in (found.ward_code, *found.near_ward_codes) if code]
    areas = areas_by_code(session, codes)
    groups = topic_groups(session, _districts(found, list(areas.values())))
    groups = [group for group in groups if only in (None, group.council_id)]
    if not groups:
        raise PlaceNotServed(
            _(
                "No council that covers {postcode} sends alerts with this service yet. "
                "Enter another postcode, or ask your council.",
                postcode=postcodes.canonical(key),
            )
        )
    wards = [Ward(code, areas[code].name if code in areas else code) for code in codes]
    offering = settings_of(session, [group.council_id for group in groups]).values()
    languages = list(dict.fromkeys(code for one in offering for code in one.languages))
    return Offer(postcodes.canonical(key), wards, groups, languages)


def place_at(session: Session, text: str) -> Resolved:
    """The place with this postcode, as a resident typed it. Raises: PostcodeNotValid, PlaceNotServed."""
    key = postcodes.normalise(text)
    return _usable(resolve_postcodes(session, [key]).get(key), postcodes.canonical(key))


def _usable(found: Resolved | None, postcode: str) -> Resolved:
    """What is known of the postcode, if residents may live there."""
    if found is None:
        raise PlaceNotServed(
            postcodes.where_instead(postcode.replace(" ", ""))
            or _(
                "We do not know the postcode {postcode}. Check it. If your home is new, it may take some months to "
                "reach us: until then enter the postcode of a neighbour.",
                postcode=postcode,
            )
        )
    if found.ended_on is not None:
        raise PlaceNotServed(
            _(
                "The postcode {postcode} has not been in use since {month}. Enter the one used today.",
                postcode=postcode,
                month=format_date(found.ended_on, "MMMM y", locale=spoken()),
            )
        )
    if found.ward_code is None:
        raise PlaceNotServed(
            _(
                "We do not know where {postcode} is, as with postcodes for large organisations. "
                "Enter the postcode of your home.",
                postcode=postcode,
            )
        )
    return found


def _districts(found: Resolved, wards: Sequence[Area]) -> Sequence[str]:
    """The districts of the postcode and of the neighbouring wards, which may be another council's."""
    districts = [found.district_code, *(ward.district_code for ward in wards)]
    return list(dict.fromkeys(code for code in districts if code))


def topic_groups(session: Session, district_codes: Sequence[str]) -> Sequence[CouncilTopics]:
    """The topics of every council that covers one of these districts, council by council."""
    councils = councils_of_districts(session, district_codes)
    topics = topics_offered(session, [council.id for council in councils])
    groups = [
        CouncilTopics.of(session, council, [topic for topic in topics if topic.council_id == council.id])
        for council in councils
    ]
    return [group for group in groups if group.topics]
