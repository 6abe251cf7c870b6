"""An emergency in three screens: what happens, where, and the words with the button."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.incidents.queries import going_on
from notify.alerts.models import Priority
from notify.core.db import transaction
from notify.core.errors import Forbidden
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.drafting import plans, queries, service
from notify.drafting.hazards import CERTAINTIES, HAZARDS, SEVERITIES, URGENCIES
from notify.drafting.route_options import (
    AT,
    BROADCASTS,
    officer_of,
    people_only,
    see_other,
)
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic, TopicPurpose
from notify.subscribers.topic_queries import topics_open
from notify.web.forms import read_form

PATH = "/staff/emergency"
JOINS_NOT = "Choose an incident that goes on. An exercise is part of an exercise alone."
WELSH = "W"  # how codes of places in Wales begin
DEGREES = {"severity": SEVERITIES, "urgency": URGENCIES, "certainty": CERTAINTIES}


class NoEmergencyTopic(Forbidden):
    """Nobody could follow it."""

    title = "There is no topic for emergencies"


@staff_get(PATH, BROADCASTS, people_only)
def ask_what(request: StaffRequest) -> Response[object]:
    """What is happening, and how bad is it?"""
    with transaction() as session:
        return _what_page(session, request.user, EMPTY, [])


def _what_page(session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    return staff_page(
        user,
        "drafting/emergency.html",
        at=PATH,
        status=422 if field_errors else 200,
        topics=_emergency_topics(session, user),
        drafts=[one for one in queries.drafts(session, officer_of(user)) if one.priority == Priority.EMERGENCY],
        hazards=HAZARDS,
        severities=SEVERITIES,
        urgencies=URGENCIES,
        certainties=CERTAINTIES,
        incidents=going_on(session, user),
        plans=[one for one in plans.plans(session, user.council_id) if one.is_emergency],
        is_welsh=any(code.startswith(WELSH) for code in council(session, user.council_id).district_codes),
        form=form,
        field_errors=field_errors,
    )


def _emergency_topics(session: Session, user: Principal) -> Sequence[Topic]:
    mine = user.remit.topics
    found = [one for one in topics_open(session, [user.council_id]) if one.purpose == TopicPurpose.EMERGENCY]
    return [one for one in found if mine is None or one.slug in mine]


@staff_post(PATH, BROADCASTS, people_only, status_code=200)
def begin(request: StaffRequest, body: RawBody) -> Response[object]:
    """Begin with the first words for this hazard."""
    form, user = read_form(body), request.user
    with transaction() as session:
        known = {one.slug: one for one in _emergency_topics(session, user)}
        field_errors = []
        if form.one("hazard") not in HAZARDS:
            field_errors.append(FieldError("hazard", "Say what is happening."))
        if form.one("topic") not in known:
            field_errors.append(FieldError("topic", "Choose the topic that it goes out on."))
        joins = {str(one.id): one for one in going_on(session, user)}.get(form.one("incident"))
        if form.one("incident") and (joins is None or joins.is_training != form.has("training")):
            field_errors.append(FieldError("incident", JOINS_NOT))
        if field_errors:
            return _what_page(session, user, form, field_errors)
        chosen = known[form.one("topic")]
        fields = service.first_words(form.one("hazard"), in_welsh=form.has("welsh")) | {
            "channel": list(chosen.channels)
        }
        fields |= {name: list(form.all(name)) for name, known in DEGREES.items() if form.one(name) in known}
        fields |= {"training": ["yes"]} if form.has("training") else {}
        fields |= {"incident": [form.one("incident")]} if form.one("incident") else {}
        draft = service.begin(
            session,
            council_id=user.council_id,
            officer_id=officer_of(user),
            topic=chosen.slug,
            priority=Priority.EMERGENCY,
            fields=fields,
        )
        return see_other(f"{AT}/{draft.id}/where")


HANDLERS: Sequence[ControllerRouterHandler] = (ask_what, begin)
