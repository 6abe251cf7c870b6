"""Where everyone can read an alert and what followed: the address that its messages lead on to."""

from sqlmodel import Session, select

from notify.alerts.incidents.models import Incident
from notify.alerts.models import Alert
from notify.alerts.publishing import queries
from notify.alerts.publishing.queries import AlertNotPublished
from notify.alerts.text_messages import read_page_code


def page_path(session: Session, alert: Alert) -> str | None:
    """The path of the public page that has this alert and what follows: its incident's, else that of the alert it
    began with. None where it has none, because it is a test, a digest, a reminder or concerns single postcodes.
    """
    if alert.parts is not None or alert.is_test or queries.is_private(session, alert.id):
        return None
    return _path(alert, session.get(Incident, alert.incident_id) if alert.incident_id else None)


def _path(alert: Alert, incident: Incident | None) -> str:
    return f"/incidents/{incident.ref}" if incident else f"/alerts/{alert.follows_id or alert.id}"


def path_by_code(session: Session, digits: str) -> str:
    """The path that a short address means. Raises: AlertNotPublished."""
    code = read_page_code(digits)
    alert_id = session.exec(select(Alert.id).where(Alert.reply_code == code)).first() if code is not None else None
    if alert_id is None:
        raise AlertNotPublished("It may have been removed, or the address is incomplete.")
    one = queries.published(session, alert_id)
    return _path(one.alert, one.incident)
