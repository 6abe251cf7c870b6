"""Pages on which a draft is changed or deleted: the next version of an alert that waits for its author."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.alerts import remit
from notify.alerts.service import WrongState
from notify.core.db import transaction
from notify.drafting import queries, service
from notify.drafting.route_options import ALERT, AT, WRITES, officer_of, people_only, see_other
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic


@staff_post(f"{ALERT}/change", WRITES, people_only, status_code=200)
def change(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Open what was not sent, or was returned, with its words and times as they are."""
    user = request.user
    with transaction() as session:
        alert = remit.own(session, user, alert_id)
        if alert.state not in remit.UNSENT:
            raise WrongState(f"The alert is {alert.state}.")
        if alert.follows_id:
            kind = f"kind={alert.follow_up.value}&" if alert.follow_up else ""
            return see_other(f"/staff/alerts/{alert.follows_id}/follow-up?{kind}draft={alert.id}")
        slug = session.get_one(Topic, alert.topic_id).slug
        draft = service.begin_change(session, alert, topic=slug, officer_id=officer_of(user))
        return see_other(f"{AT}/{draft.id}/words")


@staff_get(f"{AT}/{{draft_id:uuid}}/discard", WRITES, people_only)
def ask_whether(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """Delete this draft? Nothing brings it back."""
    with transaction() as session:
        draft = queries.draft(session, request.user.officer_id, draft_id)
        return staff_page(request.user, "drafting/discard.html", at=AT, draft=draft)


@staff_post(f"{AT}/{{draft_id:uuid}}/discard", WRITES, people_only, status_code=200)
def discard(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """Delete a draft."""
    with transaction() as session:
        service.delete_draft(session, queries.draft(session, request.user.officer_id, draft_id))
    return see_other("/staff")


HANDLERS: Sequence[ControllerRouterHandler] = (change, ask_whether, discard)
