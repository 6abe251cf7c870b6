"""The staff pages of the register: everything published, and three steps to publish, correct or withdraw."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.places.models import ReleaseKind
from notify.places.queries import areas_page, names_by_code
from notify.staff.guards import Principal, Requires, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.remit import EVERYTHING
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.statutory_notices import queries, service
from notify.statutory_notices.feeds import address_of
from notify.statutory_notices.guards import MAY_PUBLISH
from notify.statutory_notices.models import KINDS, Correction, NewNotice, NoticeVersion
from notify.statutory_notices.queries import Wanted
from notify.web.dates import day, moment
from notify.web.forms import read_form

PATH = "/staff/notices"
NEW = f"{PATH}/new"
ONE = f"{PATH}/{{notice_id:uuid}}"
MOST_WARDS = 1000
PLAIN = ("reference", "title", "kind", "legal_basis", "body", "comments_by", "in_force_until", "elsewhere", "reason")
WORDS: Mapping[str, str] = {
    "reference": "Use letters, digits and hyphens, at most 40, such as TRO-2026-17.",
    "title": "Say what the notice is about, in at most 200 characters.",
    "kind": "Choose what kind of notice it is.",
    "legal_basis": "Name the Act and the section that this notice is given under.",
    "body": "Write the notice, in at most 20,000 characters.",
    "comments_by": "Enter a date like 3 December 2027 or 3/12/2027.",
    "in_force_until": "Enter a date like 3 December 2027 or 3/12/2027.",
    "elsewhere": "This is too long.",
    "cost_pence": "Write the cost in pounds, such as 345 or 345.50.",
    "reason": "Say why, in at most 200 characters: everybody can read it.",
    "wards": "Tick the wards again.",
}


@staff_get(PATH, Requires(Right.SEE_ALERTS))
def list_own(request: StaffRequest) -> Response[object]:
    """Everything the council published, the newest first."""
    user = request.user
    number = max(1, int(asked) if (asked := str(request.query_params.get("page", "1"))).isdigit() else 1)
    with transaction() as session:
        found = queries.listed(session, Wanted(council_id=user.council_id), page=min(number, 1000))
    return staff_page(
        user,
        "statutory_notices/staff-register.html",
        at=PATH,
        found=found[: queries.PAGE],
        has_more=len(found) > queries.PAGE,
        number=number,
        kinds=KINDS,
        moment=moment,
        may_publish=user.may(Right.APPROVE_ALERTS) and user.remit == EVERYTHING,
    )


@staff_get(NEW, Requires(Right.APPROVE_ALERTS))
def write_notice(request: StaffRequest) -> Response[object]:
    """An empty form."""
    with transaction() as session:
        return _form(session, request.user, EMPTY)


@staff_post(NEW, MAY_PUBLISH, status_code=200)
def publish_notice(request: StaffRequest, body: RawBody) -> Response[object]:
    """Show it as it will be; publish it once that was seen."""
    form, user = read_form(body), request.user
    with transaction() as session:
        if form.one("step") == "edit":
            return _form(session, user, form)
        try:
            new = NewNotice.model_validate(_fields(form) | {"reference": form.one("reference") or None})
            if form.one("step") != "publish":
                return _check(session, user, form, service.preview(session, user.council_id, new))
            made = service.publish(session, council_id=user.council_id, actor=user.actor, new=new)
        except ValidationError as error:
            return _form(session, user, form, _field_errors(error))
        except (service.NoticeNotValid, service.NoticeExists) as error:
            return _form(session, user, form, [FieldError(str(error.fields["field"]), error.detail)])
    return Redirect(f"{PATH}/{made.notice.id}?saved=1", status_code=303)


@staff_get(ONE, Requires(Right.SEE_ALERTS))
def show_own(request: StaffRequest, notice_id: FromPath[UUID]) -> Response[object]:
    """One notice with everything it ever said, and its proof."""
    with transaction() as session:
        return _shown(session, request.user, notice_id, is_saved=bool(request.query_params.get("saved")))


@staff_get(f"{ONE}/correct", Requires(Right.APPROVE_ALERTS))
def write_correction(request: StaffRequest, notice_id: FromPath[UUID]) -> Response[object]:
    """The form, with what the notice says now."""
    with transaction() as session:
        entry = queries.entry(session, request.user.council_id, notice_id)
        return _form(session, request.user, _as_form(entry.latest), at=entry)


@staff_post(f"{ONE}/correct", MAY_PUBLISH, status_code=200)
def correct_notice(request: StaffRequest, notice_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Show the correction as it will be; publish it once that was seen."""
    form, user = read_form(body), request.user
    with transaction() as session:
        entry = queries.entry(session, user.council_id, notice_id)
        if form.one("step") == "edit":
            return _form(session, user, form, at=entry)
        try:
            new = Correction.model_validate(_fields(form) | {"reason": form.one("reason")})
            if form.one("step") != "publish":
                return _check(session, user, form, service.preview_correction(session, entry.notice, new), at=entry)
            service.correct(session, entry.notice, actor=user.actor, new=new)
        except ValidationError as error:
            return _form(session, user, form, _field_errors(error), at=entry)
        except service.NoticeNotValid as error:
            return _form(session, user, form, [FieldError(str(error.fields["field"]), error.detail)], at=entry)
    return Redirect(f"{PATH}/{notice_id}?saved=1", status_code=303)


@staff_post(f"{ONE}/withdraw", MAY_PUBLISH)
def withdraw_notice(request: StaffRequest, notice_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """End it, for a reason that everyone can read."""
    reason, user = read_form(body).one("reason"), request.user
    with transaction() as session:
        entry = queries.entry(session, user.council_id, notice_id)
        if not reason or len(reason) > 200:
            return _shown(session, user, notice_id, field_errors=[FieldError("reason", WORDS["reason"])])
        service.withdraw(session, entry.notice, actor=user.actor, reason=reason)
    return Redirect(f"{PATH}/{notice_id}?saved=1", status_code=303)


def _fields(form: Form) -> dict[str, Any]:
    """What was written, as the model reads it: money in pence, and nothing where a field is empty."""
    said: dict[str, Any] = {name: form.one(name) for name in ("title", "kind", "legal_basis", "body", "elsewhere")}
    said |= {name: form.one(name) or None for name in ("comments_by", "in_force_until")}
    return said | {"wards": list(form.all("ward")), "cost_pence": _pence(form.one("cost_pence"))}


def _pence(pounds: str) -> object:
    try:
        pence = Decimal(pounds.removeprefix("£").replace(",", "")) * 100 if pounds else None
    except InvalidOperation:
        return pounds
    return int(pence) if pence is not None and pence.is_finite() and pence == int(pence) else pounds or None


def _field_errors(error: ValidationError) -> Sequence[FieldError]:
    fields = dict.fromkeys(
        str(field_error["loc"][0]) for field_error in error.errors(include_url=False) if field_error["loc"]
    )
    return [FieldError(name, WORDS.get(name, "This cannot be read.")) for name in fields]


def _as_form(said: NoticeVersion) -> Form:
    values = {name: [str(getattr(said, name) or "")] for name in PLAIN if name not in ("reference", "reason")}
    pounds = "" if said.cost_pence is None else f"{said.cost_pence / 100:.2f}"
    return Form({**values, "kind": [said.kind.value], "ward": list(said.wards), "cost_pence": [pounds]})


def _form(
    session: Session,
    user: Principal,
    form: Form,
    field_errors: Sequence[FieldError] = (),
    at: queries.Entry | None = None,
) -> Response[object]:
    own = council(session, user.council_id)
    found = areas_page(
        session, ReleaseKind.WARD, districts=own.district_codes, after="", limit=MOST_WARDS, with_outline=False
    )
    return staff_page(
        user,
        "statutory_notices/staff-form.html",
        at=PATH,
        status=422 if field_errors else 200,
        form=form,
        field_errors=field_errors,
        entry=at,
        kinds=KINDS,
        wards=[(one.code, one.name) for one in sorted(found, key=lambda one: one.name)],
    )


def _check(
    session: Session, user: Principal, form: Form, said: NoticeVersion, at: queries.Entry | None = None
) -> Response[object]:
    names = names_by_code(session, said.wards)
    return staff_page(
        user,
        "statutory_notices/staff-check.html",
        at=PATH,
        form=form,
        fields=(*PLAIN, "cost_pence"),
        said=said,
        entry=at,
        kind=KINDS[said.kind],
        wards=sorted(names.get(code, code) for code in said.wards),
        day=day,
    )


def _shown(
    session: Session,
    user: Principal,
    notice_id: UUID,
    *,
    field_errors: Sequence[FieldError] = (),
    is_saved: bool = False,
) -> Response[object]:
    entry = queries.entry(session, user.council_id, notice_id)
    own = council(session, user.council_id)
    return staff_page(
        user,
        "statutory_notices/staff-notice.html",
        at=PATH,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        entry=entry,
        versions=queries.versions(session, entry.notice),
        address=address_of(entry.notice, own),
        kinds=KINDS,
        moment=moment,
        is_saved=is_saved,
        may_publish=user.may(Right.APPROVE_ALERTS) and user.remit == EVERYTHING,
    )


MENU_ITEMS = (MenuItem("Statutory notices", "/staff/notices", Right.SEE_ALERTS, 60),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    list_own,
    write_notice,
    publish_notice,
    show_own,
    write_correction,
    correct_notice,
    withdraw_notice,
)
