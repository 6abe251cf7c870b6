"""The page of suppressions: who is not written to and why, looked through, searched and lifted together."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import col

from notify.channels import CHANNELS, Channel
from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Contact, SuppressionReason
from notify.subscribers.suppression import bounces, review
from notify.subscribers.suppression import service as suppression_service
from notify.subscribers.suppression.review import REASONS, NotInBulk, Which
from notify.subscribers.test_people import is_invented
from notify.web.dates import moment
from notify.web.forms import query_form, read_form

PATH = "/staff/suppressions"
A_PAGE = 100
SHORTEST_REASON, LONGEST_REASON = 3, 500
DONE: Mapping[str, str] = {
    "lifted": "You can send to {} again.",
    "confirmed": "{} suppressed.",
    "dismissed": "You can go on sending to {}.",
}

SEES, CHANGES_MANY = Requires(Right.SEE_SUBSCRIBERS), RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)


@staff_get(PATH, SEES)
def show(request: StaffRequest) -> Response[object]:
    """Whom the council does not write to, the newest first, and bounces that wait for a decision."""
    return _page(request.user, query_form(request), EMPTY, [])


def _page(user: Principal, asked: Form, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    which, person = _which(asked), _id(asked.one("subscriber"))
    invented = [is_invented(col(Contact.subscriber_id))] if user.is_test else []
    with transaction() as session:
        found = suppression_service.suppressions(
            session,
            user.council_id,
            subscriber_id=person,
            after=_id(asked.one("after")),
            also_lifted=person is not None,
            only=[*which.conditions(), *invented],
            limit=A_PAGE,
        )
        waiting = bounces.bursts(session, user.council_id)
        note_reading(session, user, len(found), "suppressions")
    chosen = {name: value for name in ("reason", "channel") if (value := asked.one(name))}
    older = urlencode({**chosen, "after": str(found[-1].suppression.id)}) if len(found) == A_PAGE else ""
    return staff_page(
        user,
        "subscribers/suppressions.html",
        at=PATH,
        status=422 if field_errors else 200,
        found=found,
        waiting=waiting,
        chosen=chosen,
        ticked=set(form.all("id")),
        form=form,
        field_errors=field_errors,
        older=older,
        reasons=REASONS,
        channels={one.channel: one.label for one in CHANNELS.values()},
        in_bulk=review.IN_BULK,
        may_change=user.may(Right.CHANGE_MANY_SUBSCRIBERS),
        done=_done(asked),
        person=person,
        moment=moment,
    )


def _done(asked: Form) -> str:
    """What the press of a button just did."""
    for name, words in DONE.items():
        if asked.one(name).isdecimal():
            number = int(asked.one(name))
            return words.format(f"{number:,} address" + ("es" if number != 1 else ""))
    return ""


def _which(asked: Form) -> Which:
    reason = next((one for one in SuppressionReason if one == asked.one("reason")), None)
    return Which(reason, next((one for one in Channel if one == asked.one("channel")), None))


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


@staff_post(f"{PATH}/search", SEES, status_code=200)
def search(request: StaffRequest, body: RawBody) -> Response[object]:
    """Find the subscriber with an address; the address itself never stands in a URL."""
    form = read_form(body)
    with transaction() as session:
        person = review.subscriber_of(session, request.user.council_id, form.one("address"))
    if person is None:
        field_error = FieldError("address", "Enter the email address or phone number of one of your subscribers")
        return _page(request.user, EMPTY, form, [field_error])
    return Redirect(f"{PATH}?subscriber={person}", status_code=303)


@staff_post(f"{PATH}/lift", CHANGES_MANY, status_code=200)
def lift(request: StaffRequest, body: RawBody) -> Response[object]:
    """Lift what was ticked, or all that the list was narrowed to; of one person also what they said themselves."""
    form = read_form(body)
    asked = Form({name: form.all(name) for name in ("reason", "channel", "subscriber")})
    why = form.one("why")
    if not SHORTEST_REASON <= len(why) <= LONGEST_REASON:
        return _page(
            request.user, asked, form, [FieldError("why", "Enter why you are sending to these addresses again")]
        )
    try:
        lifted = _lift(request.user, form, _which(asked) if form.has("all") else None, why)
    except NotInBulk as error:
        return _page(request.user, asked, form, [FieldError("chosen", error.detail)])
    return Redirect(f"{PATH}?lifted={lifted}", status_code=303)


def _lift(user: Principal, form: Form, which: Which | None, why: str) -> int:
    ids = [one for value in form.all("id") if (one := _id(value))]
    council_id, actor = user.council_id, user.actor
    with transaction() as session:
        if not form.has("subscriber"):
            return review.lift_many(session, council_id=council_id, which=which, ids=ids, reason=why, actor=actor)
        for one in ids:
            suppression_service.lift(session, council_id=council_id, suppression_id=one, reason=why, actor=actor)
        return len(ids)


@staff_post(f"{PATH}/bursts/{{burst_id:uuid}}", CHANGES_MANY, status_code=200)
def decide(request: StaffRequest, burst_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Suppress every address of a burst after all, or go on sending to them."""
    is_dead = read_form(body).one("decision") == "suppress"
    user = request.user
    with transaction() as session:
        decided = bounces.decide(
            session, council_id=user.council_id, burst_id=burst_id, is_dead=is_dead, actor=user.actor
        )
    return Redirect(f"{PATH}?{'confirmed' if is_dead else 'dismissed'}={decided}", status_code=303)


MENU_ITEMS = (MenuItem("Suppressions", "/staff/suppressions", Right.SEE_SUBSCRIBERS, 90),)
HANDLERS: Sequence[ControllerRouterHandler] = (show, search, lift, decide)
