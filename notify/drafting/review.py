"""An alert that is stored, as its author and its approver read it before it goes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import Session, col, select

from notify.alerts import approval, remit
from notify.alerts.models import Alert, AlertState, Priority
from notify.alerts.service import approvals_needed
from notify.core.clock import uk_time
from notify.deliveries.message_content import AlertContent
from notify.deliveries.models import UpdateGroup
from notify.drafting import audiences, previews, wording_advice
from notify.drafting.approval_version import Fact, facts_of, version_of
from notify.drafting.ward_map import Chart, chart_of
from notify.places.models import AudienceSpec
from notify.places.outlines import outline_of
from notify.staff.models import Officer
from notify.staff.queries import council, person
from notify.staff.rights import Principal
from notify.subscribers.models import Topic

GROUPS: Mapping[UpdateGroup, str] = {
    UpdateGroup.STILL_IN: "People who are still in the area get the update",
    UpdateGroup.NEW: "People who are new in the area get the whole story",
    UpdateGroup.LEFT: "People who are no longer in the area are told so",
}


@dataclass(frozen=True, slots=True)
class GroupReview:
    """What one group of an update with another area gets, and how many they are."""

    group: UpdateGroup
    heading: str
    reach: audiences.GroupReach
    arriving: previews.Arriving


@dataclass(frozen=True, slots=True)
class Review:
    """What the page shows. `seen` is the hash of everything that an approval is about; `why_not` says why this person
    may not approve it.
    """

    alert: Alert
    topic: Topic
    first: Alert | None
    author: str
    changed_by: str
    why_not: str | None
    written_at: str
    version: str
    seen: str
    facts: Sequence[Fact]
    reach: audiences.Reach
    deed: str
    arriving: previews.Arriving
    chart: Chart | None
    outline: str | None
    chosen: frozenset[str]
    needs: int
    groups: Sequence[GroupReview]
    not_neutral: Sequence[wording_advice.Advice]

    @property
    def is_emergency(self) -> bool:
        """Whether it wakes people."""
        return self.alert.priority == Priority.EMERGENCY

    @property
    def waits(self) -> bool:
        """Whether someone's approval is asked for."""
        return self.alert.state == AlertState.SUBMITTED


def review(session: Session, user: Principal, alert_id: UUID) -> Review:
    """The alert for someone who may decide about it. Raises: what `remit.own` raises."""
    alert = remit.own(session, user, alert_id)
    content = previews.content_of_alert(session, alert)
    reach = audiences.reach_of_alert(session, user, alert)
    chart = chart_of(session, council(session, alert.council_id).district_codes) if alert.audience else None
    spec = AudienceSpec.model_validate(alert.audience) if alert.audience else None
    shape = outline_of(session, spec, is_emergency=alert.priority == Priority.EMERGENCY) if chart and spec else None
    after = alert.escalation["after_minutes"] if alert.escalation else 0
    return Review(
        alert=alert,
        topic=session.get_one(Topic, alert.topic_id),
        first=session.get_one(Alert, alert.follows_id) if alert.follows_id else None,
        author=name_of(session, alert.created_by),
        changed_by=name_of(session, alert.changed_by) if alert.changed_by else "",
        why_not=approval.why_not(session, user, alert),
        written_at=uk_time(alert.created_at),
        version=version_of(alert),
        seen=alert.content_hash.hex(),
        facts=facts_of(session, alert),
        reach=reach,
        deed=audiences.deed(reach, alert.send_at, after if isinstance(after, int) else 0, asks=alert.asks_reply),
        arriving=previews.arriving(content, [*alert.channels, *_later(alert)], alert.translations),
        chart=chart,
        outline=chart.path_of(shape) if chart and shape else None,
        chosen=frozenset(spec.wards) if spec else frozenset(),
        needs=approvals_needed(session, alert),
        groups=_groups(alert, content, reach),
        not_neutral=wording_advice.neutrality(alert.title, alert.body) if alert.is_councillors else (),
    )


def _groups(alert: Alert, content: AlertContent, reach: audiences.Reach) -> Sequence[GroupReview]:
    return [
        GroupReview(
            one.group,
            GROUPS[one.group],
            one,
            previews.arriving(
                content.of_group(one.group),
                one.by_channel.keys() or alert.channels,
                content.of_group(one.group).alert.translations,
            ),
        )
        for one in reach.groups
    ]


def _later(alert: Alert) -> Sequence[str]:
    found = alert.escalation["channels"] if alert.escalation else []
    return [str(one) for one in found] if isinstance(found, list) else []


def name_of(session: Session, actor: str) -> str:
    """The name of the user behind an actor of the audit trail, or what else wrote it."""
    kind, _, one = person(session, actor).partition(":")
    # as text: an actor of the trail need not be the id of anyone
    statement = select(Officer.name).where(cast(col(Officer.id), Text) == one)
    name = session.exec(statement).first() if kind == "officer" else None
    return name or "an API key of the council"
