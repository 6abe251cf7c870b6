"""CAP messages of a council that becomes part of another."""

from sqlalchemy import text
from sqlmodel import Session

from notify.staff.models import Council

# an update of a message that the old council received finds the draft that came of it
_STEPS = (
    """UPDATE cap_message m SET council_id = :new
       WHERE m.council_id = :old AND EXISTS (SELECT FROM alert a WHERE a.id = m.alert_id AND a.council_id = :new)
         AND NOT EXISTS (SELECT FROM cap_message o WHERE o.council_id = :new AND o.is_test = m.is_test
                         AND o.sender = m.sender AND o.identifier = m.identifier)""",
    """UPDATE flood_warning f SET council_id = :new
       WHERE f.council_id = :old AND EXISTS (SELECT FROM alert a WHERE a.id = f.alert_id AND a.council_id = :new)""",
)


def move_messages(session: Session, old: Council, new: Council) -> None:
    """Send the messages and warnings whose drafts the new council has now."""
    for step in _STEPS:
        session.execute(text(step), {"old": old.id, "new": new.id})
