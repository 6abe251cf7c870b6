"""What changed because of an alert, a topic or the whole service: officers' words beside the figures."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from notify.alerts.queries import UnknownAlert
from notify.alerts.remit import within
from notify.core import clock
from notify.core.errors import Invalid, NotFound
from notify.insight.models import Annotation
from notify.staff.remit import EVERYTHING, OutsideYourRemit
from notify.staff.rights import Actor
from notify.staff.service import audit

LONGEST = 1000
MOST_SHOWN = 50
TAKEN_AWAY = "It may have been taken away already."


class AnnotationNotValid(Invalid):
    """It says nothing, or too much."""

    title = "Say what changed in a sentence or two"


class UnknownAnnotation(NotFound):
    """No such words, another council's, or taken away before."""

    title = "There is no such note"


def annotate(
    session: Session,
    *,
    by: Actor,
    words: str,
    day: date | None = None,
    alert_id: UUID | None = None,
    topic_id: UUID | None = None,
) -> Annotation:
    """Keep what an officer says changed, with their name, on this day unless told otherwise.

    Of an alert it says so in the figures of its topic too.
    Raises: AnnotationNotValid, UnknownAlert, OutsideYourRemit, TestKeyCannotSend.
    """
    if alert_id:
        topic_id = within(session, by, alert_id).topic_id
    elif by.remit != EVERYTHING:
        raise OutsideYourRemit("Notes on a topic or the whole council are for those who see all its figures.")
    said = " ".join(words.replace("\0", "").split())
    if not said:
        raise AnnotationNotValid("Write what changed: “Six people moved their cars after the text.”")
    if len(said) > LONGEST:
        raise AnnotationNotValid(f"Keep it under {LONGEST:,} letters: this has {len(said):,}.")
    note = Annotation(
        council_id=by.council_id,
        alert_id=alert_id,
        topic_id=topic_id,
        day=day or clock.now().date(),
        words=said,
        author=by.actor,
        author_name=by.name,
    )
    session.add(note)
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="annotation.add", subject=str(note.id))
    return note


def take_away(session: Session, *, by: Actor, annotation_id: UUID) -> Annotation:
    """Show it no more; it stays in the table. Within a remit, only what is about an alert wholly within it.

    Raises: UnknownAnnotation, OutsideYourRemit, TestKeyCannotSend.
    """
    note = session.get(Annotation, annotation_id)
    if note is None or note.council_id != by.council_id or note.removed_at:
        raise UnknownAnnotation(TAKEN_AWAY)
    if note.alert_id:
        try:
            within(session, by, note.alert_id)
        except UnknownAlert:
            raise UnknownAnnotation(TAKEN_AWAY) from None
    elif by.remit != EVERYTHING:
        raise UnknownAnnotation("It is about the whole council, and you work with some topics or areas only.")
    note.removed_at, note.removed_by = clock.now(), by.actor
    session.add(note)
    audit(session, council_id=by.council_id, actor=by.actor, action="annotation.remove", subject=str(note.id))
    return note


def of_alert(session: Session, alert_id: UUID) -> Sequence[Annotation]:
    """What was written about this alert, the oldest first."""
    statement = select(Annotation).where(Annotation.alert_id == alert_id, col(Annotation.removed_at).is_(None))
    return session.exec(statement.order_by(col(Annotation.day), col(Annotation.id)).limit(MOST_SHOWN)).all()


def between(
    session: Session, council_id: UUID, *, since: date, until: date, topic_id: UUID | None = None
) -> Sequence[Annotation]:
    """What was written about days from `since` to `until`, of one topic or of all, the oldest first.

    What is about the whole council stands beside every topic.
    """
    statement = select(Annotation).where(
        Annotation.council_id == council_id,
        col(Annotation.day).between(since, until),
        col(Annotation.removed_at).is_(None),
    )
    if topic_id:
        whole = col(Annotation.topic_id).is_(None) & col(Annotation.alert_id).is_(None)
        statement = statement.where((col(Annotation.topic_id) == topic_id) | whole)
    return session.exec(statement.order_by(col(Annotation.day), col(Annotation.id)).limit(MOST_SHOWN)).all()
