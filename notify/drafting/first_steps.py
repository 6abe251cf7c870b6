"""What a new council still has to do before its first alert reaches anyone, worked out from what is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.core.settings import settings
from notify.providers.base import Channel
from notify.providers.smtp.provider import SmtpSettings
from notify.staff.queries import council
from notify.staff.service import audit

LOOPBACK = ("127.0.0.1", "::1", "localhost")
RELAY_PORTS = (25, 465, 587)  # a relay of this machine; a mail catcher listens on another one

_THERE = text("""
    SELECT EXISTS (SELECT FROM topic WHERE council_id = :council) AS topics,
           EXISTS (SELECT FROM topic WHERE council_id = :council AND purpose = 'emergency' AND approval <> 'none')
               AS emergencies,
           EXISTS (SELECT FROM geo_release WHERE kind = 'postcode' AND activated_at IS NOT NULL AND retired_at IS NULL)
               AS postcodes,
           EXISTS (SELECT FROM geo_release WHERE kind = 'ward' AND activated_at IS NOT NULL AND retired_at IS NULL)
               AS wards,
           (SELECT count(*) FROM officer WHERE council_id = :council AND active
                AND role IN ('approver', 'planner', 'admin')) >= 2 AS second,
           EXISTS (SELECT FROM subscription u WHERE u.council_id = :council)
               AS residents,
           EXISTS (SELECT FROM alert WHERE council_id = :council AND expanded_at IS NOT NULL) AS sent
""")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, whether it is done, and where it is done; `how` is a command or a word of advice."""

    name: str
    is_done: bool
    href: str = ""
    how: str = ""


def steps(session: Session, council_id: UUID) -> Sequence[Step]:
    """What there is to do, in its order; empty once everything is done or the list was put away."""
    if council(session, council_id).set_up_at:
        return []
    row = session.execute(_THERE, {"council": council_id}).one()
    found = [
        Step("Load postcodes and wards", row.postcodes and row.wards, how="notify geodata load --help"),
        Step("Make topics that residents can choose", row.topics, "/staff/topics"),
        Step(
            "Make a topic for emergencies that two people must agree on",
            row.emergencies,
            "/staff/topics",
        ),
        Step("Add a second person who may approve", row.second, how="notify officer create --help"),
        Step("Have mail leave this machine", _mail_leaves(), how="NOTIFY_SMTP_HOST, or another provider"),
        Step("Invite residents: print a poster, or put the widget on your site", row.residents, "/poster"),
        Step("Send the first alert", row.sent, "/staff/compose"),
    ]
    return [] if all(step.is_done for step in found) else found


def put_away(session: Session, *, council_id: UUID, actor: str) -> None:
    """Show the list no more."""
    one = council(session, council_id)
    if one.set_up_at is None:
        one.set_up_at = clock.now()
        audit(session, council_id=council_id, actor=actor, action="council.set-up", subject=one.slug)


def _mail_leaves() -> bool:
    """Whether e-mail goes to a provider and not to this machine's own catcher or a file."""
    names = {choice.name for choice in settings().providers_for(Channel.EMAIL)}
    if names - {"smtp", "file"}:
        return True
    relay = SmtpSettings()
    return "smtp" in names and (relay.host not in LOOPBACK or relay.port in RELAY_PORTS)
