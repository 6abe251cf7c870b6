"""What a councillor may send: on a template of the council, to their own wards, with an officer's approval, and not
before an election.

The wards are the remit's. That it is approved is the alert's: `is_councillors` needs one approval at least.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.models import Alert, AlertContent
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Forbidden, Invalid
from notify.staff.council_settings.effective import council_settings
from notify.staff.models import Role
from notify.staff.queries import person
from notify.staff.rights import Actor, Principal

# Templates stand above and cannot be imported. What a councillor wrote is no template of the council.
_TEMPLATES = text("""
    SELECT DISTINCT ON (name) name, fields FROM message_template m
    WHERE council_id = :council AND retired_at IS NULL
      AND NOT EXISTS (SELECT FROM officer o WHERE 'officer:' || o.id = m.created_by AND o.role = 'councillor-sender')
    ORDER BY name, version DESC
""")
_PLACE = re.compile(r"\(\([^()\n]{1,60}\)\)")
WORDS = ("title", "body", "sms")


class NotOnTemplate(Invalid):
    """The words are not those of a template with its gaps filled in."""

    title = "The words are not on a template of the council"


class NotBeforeElection(Forbidden):
    """In the time before an election councillors send nothing."""

    title = "Councillors send nothing before an election"


class NotForCouncillors(Forbidden):
    """Officers do it."""

    title = "An officer has to do this"


def is_councillor(by: Actor) -> bool:
    """Whether a councillor asks, who may send."""
    return isinstance(by, Principal) and by.role == Role.COUNCILLOR_SENDER


def refuse_councillor(by: Actor, what: str) -> None:
    """Refuse what is not for councillors. Raises: NotForCouncillors."""
    if is_councillor(by):
        raise NotForCouncillors(f"Councillors do not {what}. Ask an officer of your council.")


def require_theirs(session: Session, by: Actor, alert: Alert) -> None:
    """Refuse a councillor what another wrote: what officers and feeds write is not on a template, nor always approved.

    Raises: NotForCouncillors.
    """
    if not is_councillor(by):
        return
    if not alert.is_councillors or person(session, by.actor) != person(session, alert.created_by):
        raise NotForCouncillors("Councillors act on the alerts that they wrote themselves. Ask an officer.")


def require_no_election(session: Session, council_id: UUID, send_at: datetime | None) -> None:
    """Refuse to send a councillor's alert in the time before an election of this council, now or later.

    Raises: NotBeforeElection.
    """
    require_none_on(session, council_id, [clock.now(), *([send_at] if send_at else [])])


def require_none_on(session: Session, council_id: UUID, moments: Sequence[datetime]) -> None:
    """Refuse if one of these moments lies in the time before an election of this council. Raises: NotBeforeElection."""
    own = council_settings(session, council_id)
    found = (own.election_on(_day(moment)) for moment in moments)
    if election := next((one for one in found if one), None):
        ends = election[1]
        raise NotBeforeElection(f"Until {ends.day} {ends:%B} councillors send no alerts, because of the election.")


def _day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


def require_allowed(session: Session, by: Actor, new: AlertContent) -> None:
    """Refuse a councillor's alert that is on no template of the council. Raises: NotOnTemplate, NotBeforeElection."""
    if not is_councillor(by):
        return
    require_no_election(session, by.council_id, new.send_at)
    templates = session.execute(_TEMPLATES, {"council": by.council_id}).all()
    if not any(_fits(new, row.fields) for row in templates):
        named = ", ".join(f"“{row.name}”" for row in templates) or "none yet"
        raise NotOnTemplate(f"Begin with a template and fill in its gaps only. Templates of your council: {named}.")


def _fits(new: AlertContent, fields: Mapping[str, Sequence[str]]) -> bool:
    said = {"title": new.title, "body": new.body, "sms": new.sms or ""}
    for code, words in new.translations.items():
        said |= {f"{name}-{code}": getattr(words, name, None) or "" for name in WORDS}
    if new.link and new.link != _first(fields, "link"):
        return False
    return all(_matches(_first(fields, name), words) for name, words in said.items() if words or name in WORDS[:2])


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _matches(template: str, words: str) -> bool:
    """Whether these are the template's words, each gap filled in with something on one line."""
    fixed = [re.escape(part) for part in _PLACE.split(_lines(template))]
    return re.fullmatch(r"[^\n]{1,200}?".join(fixed), _lines(words)) is not None


def _lines(words: str) -> str:
    return "\n".join(line.rstrip() for line in words.strip().replace("\r\n", "\n").split("\n"))
