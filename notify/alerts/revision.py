"""Another version of an alert that nobody was asked to send yet, or that came back from approval."""

from sqlmodel import Session

from notify.alerts import remit
from notify.alerts.hazard import Hazard
from notify.alerts.models import Alert, AlertContent, AlertState
from notify.alerts.service import WrongState, bind, content_fields, move
from notify.staff.rights import Actor, Right
from notify.staff.service import audit


def revise(session: Session, *, by: Actor, alert: Alert, new: AlertContent) -> Alert:
    """Have a draft, or an alert that was sent back, say this instead. It is a draft afterwards; its id stays.

    Who changed it does not approve it, and neither does its author.
    Raises: what `remit.own` and `service.create` raise, WrongState for an update, or once it was submitted.
    """
    by.require(Right.WRITE_ALERTS)
    remit.require_own(session, by, alert)
    remit.require_broadcast(by, new.priority)
    if alert.follows_id is not None:
        raise WrongState("An update or all-clear is changed on its own page.")
    is_rehearsal = alert.is_test and not alert.is_training
    # what is not named is not kept: neither how bad it was, nor an exercise that it is no longer part of
    incident = {"incident_id": None} if alert.is_training != new.training else {}
    fields = dict.fromkeys(Hazard.model_fields) | incident | content_fields(session, by=by, new=new)
    move(session, alert, remit.UNSENT, AlertState.DRAFT)
    for name, value in fields.items():
        setattr(alert, name, value)
    alert.is_test = is_rehearsal or by.is_test or new.training
    bind(alert, by)
    session.add(alert)
    session.flush()
    audit(session, council_id=alert.council_id, actor=by.actor, action="alert.change", subject=str(alert.id))
    return alert
