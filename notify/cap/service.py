"""CAP messages of others become drafts. Nothing here sends anything."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session

from notify.alerts import queries as alerts
from notify.alerts.models import Alert, FollowUp
from notify.cap import queries, validation
from notify.cap.alert_content import content_of
from notify.cap.drafts import Author, Drafted, first_of, follow, start
from notify.cap.message import Message, MessageType, Status
from notify.cap.models import CapMessage, CapReceipt
from notify.core import clock
from notify.core.errors import Conflict, Invalid
from notify.staff.rights import Actor
from notify.staff.service import audit
from notify.subscribers.models import Topic

FOLLOW_UPS = {MessageType.UPDATE: FollowUp.UPDATE, MessageType.CANCEL: FollowUp.ALL_CLEAR}

NEW_IDENTIFIER = "Its content differs from the first one's. Give a new message a new identifier."


class CapReferencesDoNotMatch(Conflict):
    """It follows a message that never came, or came otherwise."""

    title = "The message follows one that was not received"


class CapDiffers(Conflict):
    """Sender and identifier name one message for ever."""

    title = "Another message came with the same sender and identifier"


class CapTopicMissing(Invalid):
    """The council has no topic for emergencies, and none was named."""

    title = "It is not clear which topic the message belongs to"


class Received(NamedTuple):
    """What became of a message, now or when it came first."""

    receipt: CapReceipt
    is_again: bool


def receive(
    session: Session, by: Actor, *, message: Message, xml: bytes, topic: str = "", repair: bool = False
) -> Received:
    """The draft that a message makes, or the reply from before when the very same message comes again.

    An earlier alert beyond the remit of this actor is to them one that never came.
    Raises: CapDiffers, CapReferencesDoNotMatch, CapTopicMissing, and what `rules.check`, `content_of` and `drafts`
    raise.
    """
    author = Author(by, by.is_test or message.status != Status.ACTUAL)
    queries.hold_name(session, author.by.council_id, sender=message.sender, identifier=message.identifier)
    known = queries.received(
        session, author.by.council_id, is_test=author.is_test, sender=message.sender, identifier=message.identifier
    )
    digest = hashlib.sha256(xml).digest()
    if known is not None and _is_visible(session, author, known.alert_id):
        return Received(_again(known, digest), is_again=True)
    message, repaired = validation.repaired(message) if repair else (message, [])
    validation.check_sender(message, now=clock.now())
    drafted, notes = _drafted(session, author, message, topic)
    if known is not None:  # what came of it is not for them to read
        raise CapDiffers(NEW_IDENTIFIER)
    receipt = _remember(session, author, message, drafted, digest=digest, repaired=repaired, notes=notes)
    return Received(receipt, is_again=False)


def _is_visible(session: Session, author: Author, alert_id: UUID) -> bool:
    try:
        alerts.alert(session, author.by, alert_id)
    except alerts.UnknownAlert:
        return False
    return True


def _again(known: CapMessage, digest: bytes) -> CapReceipt:
    if known.digest != digest:
        raise CapDiffers(NEW_IDENTIFIER)
    return CapReceipt.model_validate(known.reply)


def _drafted(session: Session, author: Author, message: Message, topic: str) -> tuple[Drafted, Sequence[str]]:
    """The draft, and what to look at in it."""
    kind = FOLLOW_UPS.get(message.kind)
    earlier = _earlier(session, author, message) if kind else None
    for info in message.infos:
        validation.check_areas(info.areas)
    notes = _notes(message, is_orphan=kind is not None and earlier is None)
    if kind is None or earlier is None:
        content = content_of(message, topic=topic or _topic(session, author.by.council_id))
        return start(session, author, content), notes
    first = first_of(session, earlier)
    content = content_of(message, topic=session.get_one(Topic, first.topic_id).slug, first=first)
    return follow(session, author, earlier=earlier, kind=kind, content=content), notes


def _notes(message: Message, *, is_orphan: bool) -> Sequence[str]:
    notes = []
    if is_orphan:
        notes.append(
            f"It updates {_first_named(message)}, which was never received here. It is a draft of its own, for "
            "everybody in its area."
        )
    for language, name in (("en", "English"), ("cy", "Welsh")):
        if (blocks := len(message.infos_in(language))) > 1:
            notes.append(
                f"It has {blocks} blocks in {name}, which were joined. Check that all of it is right for every place."
            )
    return notes


def _first_named(message: Message) -> str:
    named = message.references[0]
    return f"{named.sender},{named.identifier}"


def _topic(session: Session, council_id: UUID) -> str:
    found = queries.emergency_topic(session, council_id)
    if found is None:
        raise CapTopicMissing("Name the topic: your council has none for emergencies.")
    return found.slug


def _earlier(session: Session, author: Author, message: Message) -> Alert | None:
    """The draft or alert that the newest of the named messages became; None for an update of what never came.

    A cancellation of what never came says nothing to anyone. Raises: CapReferencesDoNotMatch.
    """
    every = queries.referred(session, author.by.council_id, is_test=author.is_test, references=message.references)
    found = [(received, alert) for received, alert in every if _is_visible(session, author, alert.id)]
    place = {(one.sender, one.identifier, one.sent): number for number, one in enumerate(message.references)}
    named = [
        (received.sent, place[name], alert)
        for received, alert in found
        if (name := (received.sender, received.identifier, received.sent)) in place
    ]
    if named:
        return max(named, key=lambda one: one[:2])[2]
    if message.kind == MessageType.UPDATE and not found:
        return None
    raise CapReferencesDoNotMatch(_why(message, [received for received, _ in found]))


def _why(message: Message, alike: Sequence[CapMessage]) -> str:
    if alike:
        one = alike[0]
        return (
            f"Its `references` name {one.sender},{one.identifier} with another moment than "
            f"{one.sent:%Y-%m-%d %H:%M:%S} UTC, when that message was sent."
        )
    return (
        f"Its `references` name {_first_named(message)}, which was never received here. "
        f"An {message.kind} follows a message that came before it."
    )


def _remember(
    session: Session,
    author: Author,
    message: Message,
    drafted: Drafted,
    *,
    digest: bytes,
    repaired: Sequence[str],
    notes: Sequence[str],
) -> CapReceipt:
    receipt = CapReceipt(
        alert=drafted.alert.id,
        kind=drafted.outcome.value,
        title=drafted.alert.title,
        is_test=author.is_test,
        replaces=drafted.replaces,
        repaired=list(repaired),
        notes=list(notes),
    )
    session.add(
        CapMessage(
            council_id=author.by.council_id,
            is_test=author.is_test,
            sender=message.sender,
            identifier=message.identifier,
            sent=message.sent,
            digest=digest,
            alert_id=drafted.alert.id,
            reply=receipt.model_dump(mode="json"),
        )
    )
    audit(
        session,
        council_id=author.by.council_id,
        actor=author.by.actor,
        action="cap.receive",
        subject=str(drafted.alert.id),
        message=str(message.name),
        outcome=drafted.outcome.value,
        notes=list(notes),
    )
    return receipt
