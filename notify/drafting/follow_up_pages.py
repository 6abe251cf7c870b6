"""An update or all-clear: written on one page, checked on the next, for exactly those who got the first alert."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from notify.alerts import follow_ups, remit, service
from notify.alerts.models import Alert, FollowUp, FollowUpContent, Translation
from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.drafting.copy import words_of
from notify.drafting.draft_reader import TRANSLATED, languages
from notify.drafting.route_options import ALERT, WRITES, see_other
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

TITLES: Mapping[FollowUp, str] = {FollowUp.UPDATE: "Write an update", FollowUp.ALL_CLEAR: "Send all-clear"}
MISSING = {"title": "Enter a title.", "body": "Enter the message."}


@staff_get(f"{ALERT}/follow-up", WRITES)
def ask_what_is_new(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    kind: FromQuery[FollowUp] = FollowUp.UPDATE,
    draft: FromQuery[UUID | None] = None,
) -> Response[object]:
    """What is new, for exactly those who got the alert? With `draft` its words are changed."""
    with transaction() as session:
        first = remit.own(session, request.user, alert_id)
        fields = words_of(remit.own(session, request.user, draft)) if draft else {}
        form = Form(fields | ({"draft": [str(draft)]} if draft else {}))
        return _page(request.user, first, kind, form, [])


def _page(
    user: Principal, first: Alert, kind: FollowUp, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    return staff_page(
        user,
        "alerts/follow-up.html",
        at="",
        status=422 if field_errors else 200,
        first=first,
        kind=kind.value,
        heading=TITLES[kind],
        languages=languages(),
        form=form,
        field_errors=field_errors,
    )


@staff_post(f"{ALERT}/follow-up", WRITES)
def write_again(request: StaffRequest, alert_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep it as a draft, and show what it looks like and whom it goes to."""
    form, user = read_form(body), request.user
    kind = FollowUp(form.one("kind")) if form.one("kind") in set(FollowUp) else FollowUp.UPDATE
    field_errors: Sequence[FieldError] = []
    try:
        content = FollowUpContent.model_validate(_fields(form))
        return see_other(f"/staff/alerts/{_keep(user, alert_id, kind, content, form)}/check")
    except ValidationError as error:
        field_errors = [_field_error(detail["loc"], detail["type"], detail["msg"]) for detail in error.errors()]
    except (service.WrongState, service.AlreadyExpired) as error:
        field_errors = [FieldError("title", error.detail)]
    with transaction() as session:
        return _page(user, remit.own(session, user, alert_id), kind, form, field_errors)


def _fields(form: Form) -> dict[str, object]:
    said = {
        code: {part: form.one(f"{part}-{code}") for part in TRANSLATED if form.one(f"{part}-{code}")}
        for code in languages()
    }
    needed = {name: form.one(name) for name in ("title", "body") if form.one(name)}
    optional = {name: form.one(name) or None for name in ("sms", "link")}
    return {**needed, **optional, "translations": {code: words for code, words in said.items() if words}}


def _keep(user: Principal, first_id: UUID, kind: FollowUp, content: FollowUpContent, form: Form) -> UUID:
    """The draft that follows. Raises: NotifyError where this alert is not theirs, or is not one to be followed."""
    with transaction() as session:
        first = remit.own(session, user, first_id)
        if form.one("draft"):
            draft = remit.own(session, user, UUID(form.one("draft")))
            # the page offers some languages, and what was written in others by API stays
            for code in draft.translations.keys() - languages().keys():
                content.translations[code] = Translation.model_validate(draft.translations[code])
            return follow_ups.change_follow_up(session, by=user, alert=draft, content=content).id
        return follow_ups.draft_follow_up(session, by=user, first=first, kind=kind, content=content).id


def _field_error(where: Sequence[int | str], kind: str, message: str) -> FieldError:
    names = [str(part) for part in where]
    field = f"{names[2]}-{names[1]}" if names[0] == "translations" and len(names) > 2 else names[0]
    words = MISSING.get(names[-1], "Fill this in.") if kind == "missing" else message.removeprefix("Value error, ")
    return FieldError(field, words)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_what_is_new, write_again)
