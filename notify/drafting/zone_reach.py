"""The page of a saved zone: its picture, and the count of the audience that it is."""

from sqlmodel import Session

from notify.alerts import audience_counts
from notify.alerts.models import DryRun, Priority
from notify.core.errors import NotifyError
from notify.drafting.audiences import in_words
from notify.drafting.ward_map import chart_of
from notify.places.geometry import parse_shape
from notify.staff.queries import council
from notify.staff.rights import Principal, Right
from notify.subscribers.models import TopicPurpose
from notify.subscribers.topic_queries import topics_open
from notify.zones.page_parts import ZonePicture, ZoneReach
from notify.zones.queries import Saved


def picture(session: Session, user: Principal, found: Saved) -> ZonePicture | None:
    """The zone among the council's wards."""
    chart = chart_of(session, council(session, user.council_id).district_codes)
    if chart is None:
        return None
    wards = {ward.name: ward.path for ward in chart.wards}
    return ZonePicture(chart.width, chart.height, wards, chart.path_of(parse_shape(found.version.shape)))


def reach(session: Session, user: Principal, found: Saved) -> ZoneReach | None:
    """Whom an emergency to the zone would reach, by the dry run of the send."""
    open_ones = topics_open(session, [user.council_id]) if user.may(Right.WRITE_ALERTS) else []
    about = next((one for one in open_ones if one.purpose == TopicPurpose.EMERGENCY), None)
    if about is None:
        return None
    asked = DryRun.model_validate(
        {
            "topic": about.slug,
            "priority": Priority.EMERGENCY,
            "audience": {"zones": [f"{found.zone.slug}@{found.version.version}"]},
            "channels": about.channels,
        }
    )
    try:
        told = audience_counts.count_for(session, user, asked).count
    except NotifyError:
        return None  # too many counts this hour, or no postcodes are loaded
    by_channel = {way: in_words(people) for way, people in told.by_channel.items()}
    return ZoneReach(about.name, in_words(told.people), by_channel, told.population)
