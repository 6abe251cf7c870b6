"""Builds the CAP message of an alert."""

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session

from notify.alerts.hazard import Category, Certainty, Severity, Urgency
from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.alerts.publishing.feeds import address_of
from notify.alerts.publishing.queries import NEWS, Published
from notify.alerts.queries import alert_of_area
from notify.cap import queries
from notify.cap.areas import areas_of
from notify.cap.message import ENGLISH, WELSH, Area, Info, Message, MessageType, Reference, ResponseType, Status
from notify.core.settings import settings
from notify.staff.models import Council

LONGEST_HEADLINE = 160
URGENT = (Urgency.IMMEDIATE, Severity.SEVERE, Certainty.LIKELY)
CALM = (Urgency.EXPECTED, Severity.MINOR, Certainty.LIKELY)
OVER = (Urgency.PAST, Severity.MINOR, Certainty.UNLIKELY)
UNSENT = (AlertState.DRAFT, AlertState.SUBMITTED, AlertState.APPROVED, AlertState.SCHEDULED, AlertState.REJECTED)
# what an instruction asks of people, in the order of CAP's own list
_ASKED = (
    (
        ResponseType.SHELTER,
        r"shelter|stay (?:in|inside|indoors|at home)|go (?:in|inside|indoors|upstairs)|move upstairs",
    ),
    (ResponseType.EVACUATE, r"evacuat\w*|leave (?:now|at once|immediately|the area|your (?:home|house|building))"),
    (ResponseType.PREPARE, r"prepar\w+|get ready|be ready|pack|move (?:valuables|cars?|pets)"),
    (
        ResponseType.AVOID,
        r"avoid|(?:do not|don['’]t|never) (?:go|travel|drive|walk|enter|swim|use|drink)|(?:keep|stay) away",
    ),
    (ResponseType.MONITOR, r"check|listen|watch|monitor|look out|follow (?:the news|updates)"),
)


def message_of(session: Session, one: Published) -> Message:
    """What other systems are told of this alert now; of one that was withdrawn, that it was."""
    alert = one.alert
    first = session.get_one(Alert, alert.follows_id) if alert.follows_id else alert
    is_withdrawn = alert.state == AlertState.CANCELLED and alert.expanded_at is not None
    references = [name_of(earlier, one.council) for earlier in _earlier(session, alert, first)]
    own = name_of(alert, one.council)
    if is_withdrawn:
        references.append(own)
        own = Reference(own.sender, f"{own.identifier}-withdrawn", alert.changed_at.replace(microsecond=0))
    return Message(
        identifier=own.identifier,
        sender=own.sender,
        sent=own.sent,
        status=_status(alert),
        kind=_kind(alert, is_withdrawn=is_withdrawn),
        references=tuple(references),
        infos=tuple(_infos(session, one, first, is_over=is_withdrawn or alert.follow_up == FollowUp.ALL_CLEAR)),
    )


def name_of(alert: Alert, council: Council) -> Reference:
    """How other messages refer to this alert's."""
    host = urlsplit(settings().base_url).hostname or "localhost"
    sent = alert.approved_at or alert.created_at
    return Reference(f"{council.slug}@{host}", str(alert.id), sent.replace(microsecond=0))


def _earlier(session: Session, alert: Alert, first: Alert) -> Sequence[Alert]:
    if alert.id == first.id:
        return []
    return [first, *queries.following(session, first, before=alert.approved_at or alert.created_at)]


def _status(alert: Alert) -> Status:
    """Drafts and rehearsals are never published; the council itself may look at their messages."""
    if alert.is_test:
        # an officer rehearses; a test key belongs to a program that someone is writing
        return Status.EXERCISE if alert.created_by.startswith("officer:") else Status.TEST
    return Status.DRAFT if alert.state in UNSENT else Status.ACTUAL


def _kind(alert: Alert, *, is_withdrawn: bool) -> MessageType:
    if is_withdrawn or alert.follow_up == FollowUp.ALL_CLEAR:
        return MessageType.CANCEL
    return MessageType.UPDATE if alert.follow_up == FollowUp.UPDATE else MessageType.ALERT


def _infos(session: Session, one: Published, first: Alert, *, is_over: bool) -> Sequence[Info]:
    alert = one.alert
    infos = [_info(one, first, ENGLISH, alert.title, alert.body, is_over=is_over, areas=_areas(session, one, first))]
    welsh = alert.translations.get("cy", {})
    if welsh.get("title") and welsh.get("body"):
        areas = _areas(session, one, first, language="cy")
        infos.append(_info(one, first, WELSH, welsh["title"], welsh["body"], is_over=is_over, areas=areas))
    return infos


def _areas(session: Session, one: Published, first: Alert, *, language: str = "en") -> Sequence[Area]:
    """Those of the first alert, or of the newest update with another area up to this one."""
    of_area = first if one.alert.id == first.id else alert_of_area(session, one.alert)
    return areas_of(session, of_area, one.council, language=language)


def _info(
    one: Published, first: Alert, language: str, title: str, body: str, *, is_over: bool, areas: Sequence[Area]
) -> Info:
    alert = one.alert
    urgency, severity, certainty = _grades(alert, first, is_over=is_over)
    description, instruction = _split(body, alert.instruction if language == ENGLISH else None)
    return Info(
        language=language,
        categories=(alert.category or first.category or _category(alert),),
        event=alert.event or first.event or one.topic.name,
        response_types=_responses(urgency, alert.instruction or "", is_over=is_over),
        urgency=urgency,
        severity=severity,
        certainty=certainty,
        effective=None if is_over else alert.effective,
        onset=None if is_over else alert.onset,
        expires=_expires(alert),
        sender_name=one.sender,
        headline=title[:LONGEST_HEADLINE],
        description=description,
        instruction=instruction,
        web=address_of(one),
        areas=areas,
    )


def _grades(alert: Alert, first: Alert, *, is_over: bool) -> tuple[Urgency, Severity, Certainty]:
    """What the officer said of this alert, else of the first one, else what its priority means."""
    usual = URGENT if alert.priority == Priority.EMERGENCY else CALM
    before = (first.urgency or usual[0], first.severity or usual[1], first.certainty or usual[2])
    urgency, severity, certainty = OVER if is_over else before
    return alert.urgency or urgency, alert.severity or severity, alert.certainty or certainty


def _category(alert: Alert) -> Category:
    return Category.SAFETY if alert.priority == Priority.EMERGENCY else Category.OTHER


def _responses(urgency: Urgency, instruction: str, *, is_over: bool) -> tuple[ResponseType, ...]:
    """What people are asked to do, as far as the instruction's words say; else what its urgency means."""
    if is_over:
        return (ResponseType.ALL_CLEAR,)
    if not instruction:
        return (ResponseType.MONITOR,)
    asked = tuple(kind for kind, words in _ASKED if re.search(rf"\b(?:{words})\b", instruction, re.IGNORECASE))
    return asked or (ResponseType.EXECUTE if urgency == Urgency.IMMEDIATE else ResponseType.PREPARE,)


def _split(body: str, instruction: str | None) -> tuple[str, str]:
    """The text without the instruction, which residents read at its end, and the instruction."""
    if not instruction:
        return body, ""
    return body.removesuffix(instruction).rstrip() or body, instruction


def _expires(alert: Alert) -> datetime:
    """Its end; of an alert that names none, when our own pages stop showing it."""
    return (alert.expires_at or (alert.approved_at or alert.created_at) + NEWS).replace(microsecond=0)
