"""What changed because of an alert, a topic or the whole service: officers' words beside the figures."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from notify import clock
from notify.alerts.queries import alert
from notify.analytics.models import Annotation
from notify.errors import Invalid, NotFound
from notify.staff.remit import EVERYTHING, Remit
from notify.staff.service import audit

LONGEST = 1000
MOST_SHOWN = 50


class AnnotationNotValid(Invalid):
    """It says nothing, or too much."""

    title = "Say what changed in a sentence or two"


class UnknownAnnotation(NotFound):
    """No such words, another council's, or taken away before."""

    title = "There is no such note"


def annotate(
    session: Session,
    *,
    council_id: UUID,
    author: str,
    author_name: str,
    words: str,
    day: date | None = None,
    alert_id: UUID | None = None,
    topic_id: UUID | None = None,
) -> Annotation:
    """Keep what an officer says changed, with their name, on this day unless told otherwise.

    Raises: AnnotationNotValid.
    """
    said = " ".join(words.replace("\0", "").split())
    if not said:
        raise AnnotationNotValid("Write what changed: “Six people moved their cars after the text.”")
    if len(said) > LONGEST:
        raise AnnotationNotValid(f"Keep it under {LONGEST:,} letters: this has {len(said):,}.")
    note = Annotation(
        council_id=council_id,
        alert_id=alert_id,
        topic_id=topic_id,
        day=day or clock.now().date(),
        words=said,
        author=author,
        author_name=author_name,
    )
    session.add(note)
    session.flush()
    audit(session, council_id=council_id, actor=author, action="annotation.add", subject=str(note.id))
    return note


def take_away(
    session: Session, *, council_id: UUID, actor: str, annotation_id: UUID, remit: Remit = EVERYTHING
) -> Annotation:
    """Show it no more; it stays in the table. Within a remit, only what is about an alert that it shows.

    Raises: UnknownAnnotation, UnknownAlert.
    """
    note = session.get(Annotation, annotation_id)
    if note is None or note.council_id != council_id or note.removed_at:
        raise UnknownAnnotation("It may have been taken away already.")
    if note.alert_id:
        alert(session, council_id, note.alert_id, remit)
    elif remit != EVERYTHING:
        raise UnknownAnnotation("It is about the whole council, and you work with some topics or areas only.")
    note.removed_at, note.removed_by = clock.now(), actor
    session.add(note)
    audit(session, council_id=council_id, actor=actor, action="annotation.remove", subject=str(note.id))
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
