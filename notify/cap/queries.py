"""Reads about CAP messages and flood warnings."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.alerts.models import Alert
from notify.cap.message import Reference
from notify.cap.models import CapMessage
from notify.subscribers.models import Topic, TopicPurpose


def received(session: Session, council_id: UUID, *, is_test: bool, sender: str, identifier: str) -> CapMessage | None:
    """The message with this name, if it came before."""
    return session.get(CapMessage, (council_id, is_test, sender, identifier))


def hold_name(session: Session, council_id: UUID, *, sender: str, identifier: str) -> None:
    """Until the transaction ends nobody else reads the same message: it would make a second draft."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"cap {council_id} {sender},{identifier}"},
    )


def referred(
    session: Session, council_id: UUID, *, is_test: bool, references: Sequence[Reference]
) -> Sequence[tuple[CapMessage, Alert]]:
    """The received messages that share sender and identifier with any of these, newest first, with their drafts."""
    names = {(one.sender, one.identifier) for one in references}
    statement = (
        select(CapMessage, Alert)
        .join(Alert, col(Alert.id) == col(CapMessage.alert_id))
        .where(
            CapMessage.council_id == council_id,
            col(CapMessage.is_test).is_(is_test),
            col(CapMessage.identifier).in_([identifier for _, identifier in names]),
        )
        .order_by(col(CapMessage.sent).desc(), col(CapMessage.received_at).desc())
        .limit(1000)
    )
    return [row for row in session.exec(statement).all() if (row[0].sender, row[0].identifier) in names]


def emergency_topic(session: Session, council_id: UUID) -> Topic | None:
    """The council's topic for emergencies; the first by short name where it has several."""
    statement = (
        select(Topic)
        .where(Topic.council_id == council_id, Topic.purpose == TopicPurpose.EMERGENCY)
        .order_by(Topic.slug)
        .limit(1)
    )
    return session.exec(statement).first()


_RELEASES = text("""
    SELECT DISTINCT ON (a.code) a.code, a.kind, r.version
    FROM area a JOIN geo_release r ON r.id = a.release_id
    WHERE a.code = ANY(:codes) AND r.activated_at IS NOT NULL
    ORDER BY a.code, r.retired_at IS NULL DESC, r.id DESC
""")


def versions_by_code(session: Session, codes: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """The kind, `ward` or `district`, and the version of the release that each code is from."""
    rows = session.execute(_RELEASES, {"codes": list(codes)})
    return {row.code: (row.kind, row.version) for row in rows}


def following(session: Session, alert: Alert, *, before: datetime) -> Sequence[Alert]:
    """What was sent about an alert before a moment, oldest first."""
    statement = (
        select(Alert)
        .where(
            Alert.follows_id == alert.id,
            col(Alert.expanded_at).is_not(None),
            col(Alert.is_test) == alert.is_test,
            col(Alert.approved_at) < before,
        )
        .order_by(col(Alert.approved_at), col(Alert.id))
        .limit(1000)
    )
    return session.exec(statement).all()
