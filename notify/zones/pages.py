"""Pages of saved zones: the list, a new one by upload or outline, and one zone with its versions."""

import json
from collections.abc import Sequence

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.places.basemap.extent import extent_of_council
from notify.places.shape_files import MOST_BYTES
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.remit import EVERYTHING
from notify.staff.rights import Principal
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import MOST_BYTES as MOST_FORM_BYTES
from notify.web.forms import read_form
from notify.web.headers import map_headers
from notify.zones import queries, service
from notify.zones.files import zones_in_file
from notify.zones.models import KIND_NAMES, NewZone, ZoneChange, ZoneKind
from notify.zones.page_parts import picture_of, reach_of

PATH, NEW = "/staff/zones", "/staff/new-zone"
SEES, CHANGES = Requires(Right.SEE_ALERTS), RequiresLive(Right.BROADCAST)
Uploaded = tuple[Form, str, bytes]


def _may_change(user: Principal) -> bool:
    return user.may(Right.BROADCAST) and user.remit == EVERYTHING


@staff_get(PATH, SEES)
def list_zones(request: StaffRequest) -> Response[object]:
    """Every zone in use, by kind."""
    with transaction() as session:
        found = queries.zones(session, request.user.council_id)
    kinds = [(name, [one for one in found if one.zone.kind is kind]) for kind, name in KIND_NAMES.items()]
    return staff_page(
        request.user,
        "zones/list.html",
        at=PATH,
        kinds=[(name, zones) for name, zones in kinds if zones],
        may_change=_may_change(request.user),
    )


@staff_get(NEW, CHANGES)
def ask_for_zone(request: StaffRequest) -> Response[object]:
    """From a file, or an outline that is drawn or pasted."""
    return _new_page(request.user, EMPTY, [])


def _new_page(user: Principal, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        extent = extent_of_council(session, council(session, user.council_id).district_codes)
    return staff_page(
        user,
        "zones/new.html",
        headers=map_headers(locates=True) if extent else {},
        map=extent,
        at=PATH,
        status=422 if field_errors else 200,
        kinds=KIND_NAMES,
        form=form,
        field_errors=field_errors,
    )


@staff_post(NEW, CHANGES, status_code=200)
def add_zone(request: StaffRequest, body: RawBody) -> Response[object]:
    """Keep an outline as a zone, or as another version of the zone of this name."""
    form, user = read_form(body), request.user
    field_errors = [] if form.one("name") else [FieldError("name", "Enter a name.")]
    try:
        polygon = json.loads(form.one("shape") or "null")
    except (ValueError, RecursionError):
        polygon = None
    if not isinstance(polygon, dict):
        field_errors.append(FieldError("shape", "Enter the outline as GeoJSON. It begins with { and ends with }."))
    if field_errors:
        return _new_page(user, form, field_errors)
    try:
        new = NewZone(
            name=form.one("name")[:120],
            kind=_kind(form) or ZoneKind.OTHER,
            polygon=polygon,
            reference=form.one("reference")[:60] or None,
        )
        with transaction() as session:
            slug = service.save_zone(session, by=user, new=new).slug
    except NotifyError as error:
        return _new_page(user, form, [FieldError("shape", error.detail)])
    return Redirect(f"{PATH}/{slug}", status_code=303)


def _kind(form: Form) -> ZoneKind | None:
    return ZoneKind(form.one("kind")) if form.one("kind") in set(ZoneKind) else None


async def uploaded(request: StaffRequest) -> Uploaded:
    """The fields of the form, and the name and content of its file."""
    fields: dict[str, list[str]] = {}
    name, content = "", b""
    for field, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            name, content = value.filename, await value.read()
        elif "\0" not in str(value):
            fields.setdefault(field, []).append(str(value).strip())
    return Form(fields), name, content


@staff_post(
    f"{NEW}/file",
    CHANGES,
    request_max_body_size=MOST_BYTES + MOST_FORM_BYTES,
    dependencies={"sent": Provide(uploaded)},
    status_code=200,
)
def upload_zones(request: StaffRequest, sent: NamedDependency[Uploaded]) -> Response[object]:
    """Keep each area of a file, and say what became of them."""
    form, name, content = sent
    user = request.user
    try:
        found = zones_in_file(content, name=form.one("file_name"), name_property=form.one("name_property"))
        with transaction() as session:
            loaded = service.load_zones(session, by=user, found=found, kind=_kind(form), source=name)
    except NotifyError as error:
        return _new_page(user, form, [FieldError("file", error.detail)])
    return staff_page(user, "zones/loaded.html", at=PATH, loaded=loaded, source=name)


@staff_get(f"{PATH}/{{slug:str}}", SEES)
def show_zone(request: StaffRequest, slug: FromPath[str], version: FromQuery[int | None] = None) -> Response[object]:
    """One zone: where it is, who an alert to it reaches, and its versions."""
    with transaction() as session:
        return _zone_page(session, request.user, slug, version, [])


def _zone_page(
    session: Session, user: Principal, slug: str, version: int | None, field_errors: Sequence[FieldError]
) -> Response[object]:
    zone = queries.zone(session, user.council_id, slug)
    found = queries.saved(session, user.council_id, f"{slug}@{version}" if version else slug)
    return staff_page(
        user,
        "zones/zone.html",
        at=PATH,
        status=422 if field_errors else 200,
        zone=zone,
        version=found.version,
        versions=queries.versions(session, zone.id),
        kinds=KIND_NAMES,
        picture=picture_of(session, user, found),
        reach=reach_of(session, user, found),
        may_change=_may_change(user),
        field_errors=field_errors,
    )


@staff_post(f"{PATH}/{{slug:str}}", CHANGES, status_code=200)
def change_zone(request: StaffRequest, slug: FromPath[str], body: RawBody) -> Response[object]:
    """Another name or kind."""
    form, user = read_form(body), request.user
    with transaction() as session:
        if not form.one("name"):
            return _zone_page(session, user, slug, None, [FieldError("name", "Enter a name.")])
        change = ZoneChange(name=form.one("name")[:120], kind=_kind(form))
        service.change_zone(session, by=user, slug=slug, change=change)
    return Redirect(f"{PATH}/{slug}", status_code=303)


@staff_post(f"{PATH}/{{slug:str}}/archive", CHANGES)
def archive_zone(request: StaffRequest, slug: FromPath[str]) -> Response[object]:
    """Offer a zone no longer."""
    with transaction() as session:
        service.archive_zone(session, by=request.user, slug=slug)
    return Redirect(PATH, status_code=303)


MENU_ITEMS = (MenuItem("Zones", PATH, Right.SEE_ALERTS, 46),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    list_zones,
    ask_for_zone,
    add_zone,
    upload_zones,
    show_zone,
    change_zone,
    archive_zone,
)
