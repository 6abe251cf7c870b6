"""An update or all-clear: written on one page, checked on the next, for exactly those who got the first alert."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.alerts import area_updates, follow_ups, remit, service
from notify.alerts.models import Alert, FollowUp, FollowUpContent, Priority, Translation
from notify.alerts.queries import alert_of_area
from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.core.form_fields import FieldError, Form
from notify.drafting import queries
from notify.drafting import service as service_of_drafts
from notify.drafting.copy import fields_of, words_of
from notify.drafting.draft_reader import TRANSLATED, WHERE_FIELDS, NotReady, audience_of, languages
from notify.drafting.models import Draft, Fields
from notify.drafting.route_options import ALERT, AT, WRITES, officer_of, people_only, see_other
from notify.places.models import AudienceSpec
from notify.places.outlines import places_in_words
from notify.staff.guards import Principal
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic
from notify.web.forms import read_form
from notify.zones.audience import shaped

TITLES: Mapping[FollowUp, str] = {FollowUp.UPDATE: "Write an update", FollowUp.ALL_CLEAR: "Send all-clear"}
GROUPS = (area_updates.NEW, area_updates.LEFT)
MISSING = {"title": "Enter a title.", "body": "Enter the message."}


@staff_get(f"{ALERT}/follow-up", WRITES)
def ask_what_is_new(
    request: StaffRequest,
    alert_id: FromPath[UUID],
    kind: FromQuery[FollowUp] = FollowUp.UPDATE,
    draft: FromQuery[UUID | None] = None,
    area: FromQuery[UUID | None] = None,
) -> Response[object]:
    """What is new, for exactly those who got the alert? With `draft` its words are changed, and with `area`, a draft
    of a place, its area.
    """
    with transaction() as session:
        first = remit.own(session, request.user, alert_id)
        known = remit.own(session, request.user, draft) if draft else None
        fields = words_of(known) | group_fields(known) if known else {}
        form = Form(fields | {name: [str(one)] for name, one in (("draft", draft), ("area", area)) if one})
        return _page(session, request.user, first, kind, form, [])


@staff_post(f"{ALERT}/change-area", WRITES, people_only)
def change_area(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Begin an update with another area: the pages on which one is chosen, with the area as it is now."""
    user = request.user
    with transaction() as session:
        first = area_updates.root_of(session, remit.own(session, user, alert_id))
        if first.priority != Priority.EMERGENCY or first.follows_id:
            raise area_updates.AreaCannotChange("Only the area of an emergency can be changed.")
        now = fields_of(alert_of_area(session, first))
        places = {name: values for name, values in now.items() if name in WHERE_FIELDS}
        draft = service_of_drafts.begin(
            session,
            council_id=user.council_id,
            officer_id=officer_of(user),
            topic=session.get_one(Topic, first.topic_id).slug,
            priority=first.priority,
            fields=fields_of(first) | places | {"follows": [str(first.id)]},
        )
        return see_other(f"{AT}/{draft.id}/where")


def _page(
    session: Session,
    user: Principal,
    first: Alert,
    kind: FollowUp,
    form: Form,
    field_errors: Sequence[FieldError],
) -> Response[object]:
    area = _area(session, user, form)
    return staff_page(
        user,
        "alerts/follow-up.html",
        at="",
        status=422 if field_errors else 200,
        first=first,
        kind=kind.value,
        heading=TITLES[kind],
        languages=languages(),
        has_area=area is not None or form.has("has_area"),
        places=_places(session, user, first, area) if area else (),
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
        content = FollowUpContent.model_validate(_fields(form) | _area_fields(user, form))
        return see_other(f"/staff/alerts/{_keep(user, alert_id, kind, content, form)}/check")
    except ValidationError as error:
        field_errors = [_field_error(detail["loc"], detail["type"], detail["msg"]) for detail in error.errors()]
    except NotReady as error:
        field_errors = [FieldError("title", one.message) for one in error.field_errors]
    except (service.WrongState, service.AlreadyExpired, area_updates.AreaCannotChange) as error:
        field_errors = [FieldError("title", error.detail)]
    with transaction() as session:
        return _page(session, user, remit.own(session, user, alert_id), kind, form, field_errors)


def _fields(form: Form) -> dict[str, object]:
    said = {
        code: {part: form.one(f"{part}-{code}") for part in TRANSLATED if form.one(f"{part}-{code}")}
        for code in languages()
    }
    needed = {name: form.one(name) for name in ("title", "body") if form.one(name)}
    optional = {name: form.one(name) or None for name in ("sms", "link")}
    return {**needed, **optional, "translations": {code: words for code, words in said.items() if words}}


def _area(session: Session, user: Principal, form: Form) -> Draft | None:
    """The draft that says which area it is from now on. Raises: UnknownDraft."""
    return queries.draft(session, user.officer_id, UUID(form.one("area"))) if form.one("area") else None


def _area_fields(user: Principal, form: Form) -> dict[str, object]:
    """The area, and the words for those who are new in it or have left it, where they are not the usual ones.

    Raises: NotReady, UnknownDraft.
    """
    found: dict[str, object] = {}
    with transaction() as session:
        area = _area(session, user, form)
        if area:
            found["audience"] = audience_of(Form(area.fields)) or AudienceSpec()
    if area is None and not form.has("has_area"):
        return {}
    for group in GROUPS:
        said = _said(form, group)
        others = {code: _said(form, group, f"-{code}") for code in languages()}
        if said:
            found[group] = said | {"translations": {code: words for code, words in others.items() if words}}
    return found


def _said(form: Form, group: str, ending: str = "") -> dict[str, str]:
    given = {part: form.one(f"{group}_{part}{ending}") for part in TRANSLATED}
    return {part: words for part, words in given.items() if words}


def group_fields(alert: Alert) -> Fields:
    """The page's fields for the words of the groups of an update with another area."""
    found: Fields = {"has_area": ["yes"]} if alert.group_words else {}
    for group, words in (alert.group_words or {}).items():
        found |= {f"{group}_{part}": [words[part]] for part in TRANSLATED if words.get(part)}
        for code, said in words.get("translations", {}).items():
            found |= {f"{group}_{part}-{code}": [said[part]] for part in TRANSLATED if said.get(part)}
    return found


def _places(session: Session, user: Principal, first: Alert, area: Draft) -> Sequence[str]:
    """The names of the places of the area, as far as it says any that can be read."""
    try:
        audience = shaped(session, user.council_id, audience_of(Form(area.fields)))
        targets = service.targets_of(session, user.council_id, audience, first.priority)
    except (NotReady, Invalid):
        return ()
    return ("Everywhere",) if targets.everywhere else places_in_words(session, targets, language="en")


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
        kept = follow_ups.draft_follow_up(session, by=user, first=first, kind=kind, content=content)
        if area := _area(session, user, form):
            area.alert_id = kept.id
        return kept.id


def _field_error(where: Sequence[int | str], kind: str, message: str) -> FieldError:
    names = [str(part) for part in where]
    if names[0] in GROUPS:
        return FieldError(f"{names[0]}_title", message.removeprefix("Value error, "))
    field = f"{names[2]}-{names[1]}" if names[0] == "translations" and len(names) > 2 else names[0]
    words = MISSING.get(names[-1], "Fill this in.") if kind == "missing" else message.removeprefix("Value error, ")
    return FieldError(field, words)


HANDLERS: Sequence[ControllerRouterHandler] = (ask_what_is_new, change_area, write_again)
