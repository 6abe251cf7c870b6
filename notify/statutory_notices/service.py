"""Publishing, correcting and withdrawing notices. Nothing that was public is ever changed or removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Conflict, Invalid
from notify.places.queries import names_by_code
from notify.staff.models import AuditEntry
from notify.staff.service import audit
from notify.statutory_notices.models import Correction, NewNotice, NewVersion, NoticeVersion, StatutoryNotice
from notify.statutory_notices.queries import Entry, versions


class NoticeExists(Conflict):
    """References are never used twice: the address of a notice is for good."""

    title = "There is a notice with this reference already"


class NoticeNotValid(Invalid):
    """What cannot stand in a notice; `field` says where to fix it."""

    title = "The notice cannot be published like this"


class NoticeWithdrawn(Conflict):
    """What was withdrawn stays so; publish a new notice."""

    title = "The notice was withdrawn"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A version that is not what was published, or of which the audit trail knows nothing."""

    reference: str
    version: int
    why: str


def publish(session: Session, *, council_id: UUID, actor: str, new: NewNotice) -> Entry:
    """A new notice, public as soon as the transaction ends. Raises: NoticeExists, NoticeNotValid."""
    _check(session, new)
    # numbers are given one after another, and two notices never get the same
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"notices {council_id}"})
    reference = new.reference or _next_reference(session, council_id)
    _refuse_taken(session, council_id, reference)
    now = clock.now()
    notice = StatutoryNotice(council_id=council_id, reference=reference, published_at=now)
    session.add(notice)
    session.flush()
    return _add(session, notice, actor, "publish", NoticeVersion(**_said(new), version=1, published_at=now))


def preview(session: Session, council_id: UUID, new: NewNotice) -> NoticeVersion:
    """What `publish` would write, without writing it. Raises what it raises."""
    _check(session, new)
    if new.reference:
        _refuse_taken(session, council_id, new.reference)
    return NoticeVersion(**_said(new), version=1)


def preview_correction(session: Session, notice: StatutoryNotice, new: Correction) -> NoticeVersion:
    """What `correct` would write, without writing it. Raises what it raises."""
    before = _in_force(session, notice)
    _check(session, new, before)
    return NoticeVersion(**_said(new), version=before.version + 1, reason=new.reason)


def correct(session: Session, notice: StatutoryNotice, *, actor: str, new: Correction) -> Entry:
    """Say this from now on; what was said before stays readable. Raises: NoticeWithdrawn, NoticeNotValid."""
    before = _in_force(session, notice)
    _check(session, new, before)
    said = NoticeVersion(**_said(new), version=before.version + 1, reason=new.reason, published_at=clock.now())
    return _add(session, notice, actor, "correct", said)


def withdraw(session: Session, notice: StatutoryNotice, *, actor: str, reason: str) -> Entry:
    """Say that the notice holds no longer, and why. Raises: NoticeWithdrawn."""
    before = _in_force(session, notice)
    said = NoticeVersion(
        **_said(before),
        version=before.version + 1,
        reason=reason,
        is_withdrawn=True,
        published_at=clock.now(),
    )
    return _add(session, notice, actor, "withdraw", said)


def verify(session: Session) -> Sequence[Discrepancy]:
    """Work out each version's digest again and hold it against what is kept and against the audit trail."""
    told = {
        (str(entry.detail["notice"]), int(str(entry.detail["version"]))): str(entry.detail["sha256"])
        for entry in session.exec(select(AuditEntry).where(col(AuditEntry.action).startswith("notice.")))
    }
    discrepancies = []
    rows = (
        select(StatutoryNotice, NoticeVersion)
        .join(NoticeVersion)
        .order_by(StatutoryNotice.reference, col(NoticeVersion.version))
    )
    for notice, version in session.exec(rows):
        digest = version.content_digest(notice.reference)
        trail = told.pop((str(notice.id), version.version), "")
        if digest != version.digest:
            discrepancies.append(
                Discrepancy(notice.reference, version.version, "its words are not those that were published")
            )
        elif trail != digest.hex():
            discrepancies.append(Discrepancy(notice.reference, version.version, "the audit trail does not tell of it"))
    discrepancies += [
        Discrepancy(notice_id, number, "it is gone from the register") for notice_id, number in sorted(told)
    ]
    return discrepancies


def count_versions(session: Session) -> int:
    """How many versions of notices there are, of all councils."""
    return session.exec(select(func.count()).select_from(NoticeVersion)).one()


def _add(session: Session, notice: StatutoryNotice, actor: str, verb: str, said: NoticeVersion) -> Entry:
    said.notice_id, said.published_by = notice.id, actor
    said.digest = said.content_digest(notice.reference)
    session.add(said)
    session.flush()
    audit(
        session,
        council_id=notice.council_id,
        actor=actor,
        action=f"notice.{verb}",
        subject=notice.reference,
        notice=str(notice.id),
        version=said.version,
        sha256=said.digest.hex(),
    )
    return Entry(notice, said)


def _said(new: NewVersion | NoticeVersion) -> dict[str, Any]:
    return {name: getattr(new, name) for name in NewVersion.model_fields}


def _in_force(session: Session, notice: StatutoryNotice) -> NoticeVersion:
    """The version that holds; nobody else changes it until the transaction ends. Raises: NoticeWithdrawn."""
    session.execute(text("SELECT FROM statutory_notice WHERE id = :id FOR UPDATE"), {"id": notice.id})
    latest = versions(session, notice)[0]
    if latest.is_withdrawn:
        raise NoticeWithdrawn("It was withdrawn and stays so. Publish a new notice.")
    return latest


def _refuse_taken(session: Session, council_id: UUID, reference: str) -> None:
    same = select(StatutoryNotice.id).where(
        StatutoryNotice.council_id == council_id, StatutoryNotice.reference == reference
    )
    if session.exec(same).first():
        raise NoticeExists(f"{reference} is taken. Choose another, or correct that notice.", field="reference")


def _check(session: Session, new: NewVersion, before: NoticeVersion | None = None) -> None:
    known = names_by_code(session, new.wards)
    if unknown := sorted(set(new.wards) - set(known)):
        raise NoticeNotValid(f"No ward has the code {', '.join(unknown)}.", field="wards")
    today = clock.now().astimezone(LONDON).date()
    is_as_before = before is not None and before.comments_by == new.comments_by
    if new.comments_by and new.comments_by < today and not is_as_before:
        raise NoticeNotValid("The day until which people may comment is over.", field="comments_by")
    if new.cost_pence and not new.elsewhere:
        raise NoticeNotValid("Say where else it was published for this money.", field="elsewhere")


def _next_reference(session: Session, council_id: UUID) -> str:
    year = f"{clock.now().astimezone(LONDON):%Y}"
    last = session.execute(text(LAST_NUMBER), {"council": council_id, "year": year}).scalar()
    return f"{year}-{(last or 0) + 1:04}"


LAST_NUMBER = """
    SELECT max(CAST(split_part(reference, '-', 2) AS integer)) FROM statutory_notice
    WHERE council_id = :council AND reference ~ ('^' || :year || '-[0-9]{1,8}$')
"""
