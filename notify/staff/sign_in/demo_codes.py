"""The second factor of the demonstration's invented officers, who have no telephone: their page shows the code itself.

Only where `notify run` serves this machine alone, and only to officers of the invented council.
"""

from uuid import UUID

import pyotp
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from notify.core import clock, demo_marker, tokens
from notify.staff.models import Council, Officer
from notify.staff.sign_in.break_glass import PURPOSE, STEP_SECONDS


def give_factors(session: Session) -> None:
    """Give each officer of the invented council who has no authenticator a secret for one."""
    for officer in session.exec(_officers().where(col(Officer.totp_secret).is_(None))).all():
        officer.totp_secret = tokens.seal(PURPOSE, pyotp.random_base32())
        session.add(officer)


def code_shown(session: Session, officer_id: UUID | None) -> str:
    """The code that this officer can give now; empty outside the demonstration, and for who is none of its officers.

    Each code works once: after it was used the next one is shown.
    """
    if not demo_marker.is_marked():
        return ""
    officer = session.exec(_officers().where(Officer.id == officer_id)).first()
    if officer is None or officer.totp_secret is None:
        return ""
    step = max(int(clock.now().timestamp()) // STEP_SECONDS, officer.totp_step + 1)
    return pyotp.TOTP(tokens.unseal(PURPOSE, officer.totp_secret)).at(step * STEP_SECONDS)


def _officers() -> SelectOfScalar[Officer]:
    invented = select(Officer).join(Council, col(Council.id) == col(Officer.council_id))
    return invented.where(
        Council.slug == demo_marker.COUNCIL, col(Officer.email).endswith(demo_marker.ADDRESSES), col(Officer.active)
    )
