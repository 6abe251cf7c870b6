"""Remits that name ended areas: the user and the administrators are notified once a release."""

import json

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import jobs
from notify.places import succession
from notify.staff.models import Officer
from notify.staff.service import audit

ACTOR = "engine:areas"

# told since the newest release came into force: a roll-back and another release may change the answer
IS_TOLD = text("""
    SELECT EXISTS (SELECT FROM audit_entry WHERE action = :action AND subject = :subject
                   AND detail->'areas' = CAST(:areas AS jsonb) AND at >= (
                       SELECT coalesce(max(activated_at), '-infinity') FROM geo_release WHERE retired_at IS NULL))
""")


def look(session: Session) -> None:
    """Have people told of remits whose areas have ended. What an officer may do does not change by itself."""
    narrowed = select(Officer).where(col(Officer.active), col(Officer.areas) != [])
    for officer in session.exec(narrowed.order_by(col(Officer.id))).all():
        codes = [area.code for area in succession.ended(session, officer.areas)]
        asked = {"action": "officer.areas-ended", "subject": str(officer.id), "areas": json.dumps(codes)}
        if not codes or session.execute(IS_TOLD, asked).scalar_one():
            continue
        audit(
            session,
            council_id=officer.council_id,
            actor=ACTOR,
            action="officer.areas-ended",
            subject=str(officer.id),
            areas=codes,
        )
        jobs.note(session, jobs.Job.TELL_STAFF, f"remit-areas {officer.id}", lane=jobs.Lane.TRANSACTIONAL)
