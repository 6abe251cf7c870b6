"""Pages of the installation's operator: its councils, each created, renamed, given districts and an address, merged or
closed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.merger import CouncilIsSending
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.core.errors import NotFound, NotifyError
from notify.core.form_fields import FieldError, Form
from notify.reorganisation import closure, service
from notify.staff import councils
from notify.staff import service as staff
from notify.staff.council_settings.address import AddressNotValid, AddressTaken, set_address
from notify.staff.council_settings.effective import council_settings
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.models import Council
from notify.staff.page_frame import staff_page
from notify.staff.queries import CouncilClosed, CouncilMerged, council_by_slug
from notify.staff.queries import councils as every_council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.sign_in.step_up import coming_back
from notify.web.dates import day
from notify.web.forms import query_form, read_form

PATH = "/staff/councils"
MAY = Requires(Right.RUN_INSTALLATION)
MAY_CHANGE = RequiresLive(Right.RUN_INSTALLATION)
FIELDS = ("name", "slug", "districts", "add", "remove", "domain", "path", "into")


class UnknownDeed(NotFound):
    """Nothing of this kind is done with a council."""

    title = "There is no such page"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done with a council: the field that an error belongs to, and what a person reads afterwards."""

    do: Callable[[Session, Council, Form, str], None]
    field: str
    said: str


@staff_get(PATH, MAY)
def show_councils(request: StaffRequest) -> Response[object]:
    """Every council of the installation, and a form for another."""
    return _list_page(request.user, query_form(request), [])


def _list_page(user: Principal, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        found = every_council(session)
        names = {one.id: one.name for one in found}
    return staff_page(
        user,
        "councils/councils.html",
        at=PATH,
        status=422 if field_errors else 200,
        councils=found,
        names=names,
        form=form,
        field_errors=field_errors,
    )


@staff_post(PATH, MAY_CHANGE)
def create(request: StaffRequest, body: RawBody) -> Response[object]:
    """Make a council."""
    form, user = read_form(body), request.user
    name, slug = " ".join(form.one("name").split()), form.one("slug").lower()
    if not name:
        return _list_page(user, form, [FieldError("name", "Enter the council's name.")])
    try:
        with coming_back(PATH, _kept(form)), transaction() as session:
            user.require_person_here(Right.RUN_INSTALLATION)
            codes = _codes(form.one("districts"))
            if not codes:
                raise staff.CouncilNotValid("Enter the code of each district that the council covers.")
            staff.create_council(session, slug=slug, name=name, district_codes=codes, actor=user.actor)
    except staff.CouncilExists as error:
        return _list_page(user, form, [FieldError("slug", error.detail)])
    except staff.CouncilNotValid as error:
        field = "slug" if "short name" in error.detail else "districts"
        return _list_page(user, form, [FieldError(field, error.detail)])
    return Redirect(f"{PATH}/{slug}?saved=created", status_code=303)


@staff_get(f"{PATH}/{{slug:str}}", MAY)
def show_council(request: StaffRequest, slug: FromPath[str], saved: FromQuery[str] = "") -> Response[object]:
    """One council and what can be done with it. Raises: UnknownCouncil."""
    said = {"created": "The council is there. Add its first administrator with `notify officer create`."}
    said |= {name: deed.said for name, deed in DEEDS.items()}
    return _council_page(request.user, slug, query_form(request), [], saved=said.get(saved, ""))


def _council_page(
    user: Principal, slug: str, form: Form, field_errors: Sequence[FieldError], *, saved: str = ""
) -> Response[object]:
    with transaction() as session:
        one = council_by_slug(session, slug)
        holds = council_settings(session, one.id)
        others = [
            other
            for other in every_council(session)
            if other.id != one.id and not other.merged_into_id and not other.closed_at
        ]
        after = session.get_one(Council, one.merged_into_id).name if one.merged_into_id else ""
    return staff_page(
        user,
        "councils/council.html",
        at=PATH,
        status=422 if field_errors else 200,
        one=one,
        holds=holds,
        others=others,
        after=after,
        closed_on=day(one.closed_at.astimezone(LONDON).date()) if one.closed_at else "",
        form=form,
        field_errors=field_errors,
        saved=saved,
    )


@staff_post(f"{PATH}/{{slug:str}}/{{deed:str}}", MAY_CHANGE)
def change(request: StaffRequest, slug: FromPath[str], deed: FromPath[str], body: RawBody) -> Response[object]:
    """Rename, move, merge, close or open a council. Raises: UnknownDeed, UnknownCouncil."""
    form, user = read_form(body), request.user
    if deed not in DEEDS:
        raise UnknownDeed("Go to Councils and choose from there.")
    try:
        with coming_back(f"{PATH}/{slug}", _kept(form)), transaction() as session:
            user.require_person_here(Right.RUN_INSTALLATION)
            one = council_by_slug(session, slug)
            DEEDS[deed].do(session, one, form, user.actor)
            now = one.slug
    except REFUSALS as error:
        field = "yes" if isinstance(error, NotSure) else DEEDS[deed].field
        return _council_page(user, slug, form, [FieldError(f"{deed}-{field}", error.detail)])
    return Redirect(f"{PATH}/{now}?saved={deed}", status_code=303)


def _kept(form: Form) -> Mapping[str, object]:
    return {name: form.one(name) for name in FIELDS if form.one(name)}


def _codes(text: str) -> Sequence[str]:
    return text.replace(",", " ").upper().split()


class NotSure(staff.CouncilNotValid):
    """The box that confirms a merger or a closure was not selected."""

    title = "The change was not confirmed"


def _require_sure(form: Form, words: str) -> None:
    if not form.has("yes"):
        raise NotSure(words)


def _rename(session: Session, one: Council, form: Form, actor: str) -> None:
    councils.rename(session, one, name=form.one("name"), slug=form.one("slug").lower() or None, actor=actor)


def _districts(session: Session, one: Council, form: Form, actor: str) -> None:
    add, remove = _codes(form.one("add")), _codes(form.one("remove"))
    if not add and not remove:
        raise staff.CouncilNotValid("Enter codes of districts to add or to remove.")
    service.change_districts(session, one, add=add, remove=remove, actor=actor, confirmed=form.has("yes"))


def _address(session: Session, one: Council, form: Form, actor: str) -> None:
    set_address(session, one, domain=form.one("domain"), path=form.one("path"), actor=actor)


def _merge(session: Session, one: Council, form: Form, actor: str) -> None:
    if not form.one("into"):
        raise staff.CouncilNotValid("Choose the council that takes over.")
    _require_sure(form, f"Select the box to confirm that {one.name} becomes part of the other council.")
    service.merge(session, one, council_by_slug(session, form.one("into")), actor=actor)


def _close(session: Session, one: Council, form: Form, actor: str) -> None:
    _require_sure(form, f"Select the box to confirm that {one.name} sends nothing any more.")
    closure.close(session, one, actor=actor)


def _reopen(session: Session, one: Council, form: Form, actor: str) -> None:
    closure.reopen(session, one, actor=actor)


DEEDS: Mapping[str, Deed] = {
    "rename": Deed(_rename, "name", "The council has its new name."),
    "districts": Deed(_districts, "add", "The districts are changed."),
    "address": Deed(_address, "domain", "The address is changed. Emails lead there from now on."),
    "merge": Deed(_merge, "into", "The council is part of the other now."),
    "close": Deed(_close, "yes", "The council has closed."),
    "reopen": Deed(_reopen, "yes", "The council is open again."),
}
# what the form is to be filled in again for
REFUSALS: tuple[type[NotifyError], ...] = (
    *(staff.CouncilNotValid, staff.CouncilExists, councils.NoDistrictLeft, service.ResidentsOutside),
    *(service.CannotMerge, CouncilIsSending, closure.CouncilIsOpen, AddressNotValid, AddressTaken),
    *(CouncilClosed, CouncilMerged),
)

MENU_ITEMS = (MenuItem("Councils", PATH, Right.RUN_INSTALLATION, 130),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_councils, create, show_council, change)
