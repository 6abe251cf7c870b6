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
from notify.staff.rights import Right
from notify.staff.service import audit

LOOPBACK = ("127.0.0.1", "::1", "localhost")
RELAY_PORTS = (25, 465, 587)  # a relay of this machine; a mail catcher listens on another one

_THERE = text("""
    SELECT EXISTS (SELECT FROM council_settings s WHERE s.council_id = :council
                   AND (s.colour IS NOT NULL OR s.logo IS NOT NULL OR s.contact_email IS NOT NULL)) AS look,
           EXISTS (SELECT FROM topic WHERE council_id = :council) AS topics,
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
    """One thing to do, whether it is done, where it is done by those with `right`, and what it is for."""

    name: str
    is_done: bool
    href: str
    words: str
    right: Right


# name, where it is done, what it is for, and who does it; in the order of `every_step`
_STEPS: Sequence[tuple[str, str, str, Right]] = (
    (
        "Name and look",
        "/staff/settings",
        "Your colour, logo and contact details. Residents see them on pages, in emails and in texts.",
        Right.CHANGE_SETTINGS,
    ),
    (
        "Boundaries and postcodes",
        "/staff/start/places",
        "Your wards and the postcodes in them, so that an alert reaches the right streets.",
        Right.CHANGE_PLACES,
    ),
    (
        "Topics",
        "/staff/start/topics",
        "What residents can choose. Choose from a starter set and change it later.",
        Right.CHANGE_TOPICS,
    ),
    (
        "Email and text messages",
        "/staff/start/messages",
        "Send a message to yourself, and see what is wrong with your sender’s domain.",
        Right.CHANGE_SETTINGS,
    ),
    (
        "A second person",
        "/staff/officers",
        "Two people agree on an emergency. Invite someone who may approve.",
        Right.MANAGE_STAFF,
    ),
    (
        "Residents",
        "/staff/imports",
        "Import the people who have agreed already, or print a poster and invite them.",
        Right.CHANGE_MANY_SUBSCRIBERS,
    ),
    (
        "The first alert",
        "/staff/compose",
        "Write it, read it as a resident will, and send a test to yourself first.",
        Right.WRITE_ALERTS,
    ),
)


def every_step(session: Session, council_id: UUID) -> Sequence[Step]:
    """Everything there is to do, in its order, done or not."""
    row = session.execute(_THERE, {"council": council_id}).one()
    done = (
        row.look,
        row.postcodes and row.wards,
        row.topics and row.emergencies,
        _mail_leaves(),
        row.second,
        row.residents,
        row.sent,
    )
    return [
        Step(name, is_done, href, words, right)
        for (name, href, words, right), is_done in zip(_STEPS, done, strict=True)
    ]


def steps(session: Session, council_id: UUID) -> Sequence[Step]:
    """The same; empty once everything is done or the list was put away."""
    if council(session, council_id).set_up_at:
        return []
    found = every_step(session, council_id)
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
