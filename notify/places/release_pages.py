"""Pages on which administrators upload a release, see what it changes and for how many, and put it into force."""

from collections.abc import Mapping, Sequence

from litestar import Response
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.core.form_fields import FieldError
from notify.places import release_tasks
from notify.places.models import ReleaseKind
from notify.places.queries import releases
from notify.places.release_uploads import MOST_BYTES, UploadedRelease, release_number, uploaded_release
from notify.staff.guards import Principal, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import is_shared
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import read_form

PATH = "/staff/places/releases"
ONE = f"{PATH}/{{release_id:str}}"
CHANGES = RequiresLive(Right.CHANGE_PLACES)
REFRESH_S = 3
KINDS: Mapping[str, str] = {
    ReleaseKind.POSTCODE: "Postcodes",
    ReleaseKind.WARD: "Ward boundaries",
    ReleaseKind.DISTRICT: "District boundaries",
}
STATES: Mapping[str, str] = {
    "active": "In force",
    "retired": "Replaced",
    "loaded": "Ready to be put into force",
    "dropped": "Removed",
}


@staff_get(PATH, CHANGES)
def show_releases(request: StaffRequest) -> Response[object]:
    """The releases there are, what is being done, and a form for another one."""
    return _list_page(request.user, [])


def _list_page(user: Principal, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        work = release_tasks.tasks(session, user.council_id)
        found = list(reversed(releases(session)))
        may_upload = release_tasks.may_upload(session, user)
    is_busy = any(task.state in release_tasks.UNDER_WAY for task in work)
    return staff_page(
        user,
        "places/releases.html",
        at=PATH,
        status=422 if field_errors else 200,
        headers={"Refresh": str(REFRESH_S)} if is_busy and not field_errors else None,
        field_errors=field_errors,
        tasks=work,
        releases=found,
        kinds=KINDS,
        states=STATES,
        may_upload=may_upload,
    )


@staff_post(
    PATH,
    CHANGES,
    status_code=200,
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded_release)},
)
def upload(request: StaffRequest, upload: NamedDependency[UploadedRelease]) -> Response[object]:
    """Keep the file, and have it read."""
    try:
        with transaction() as session:
            release_tasks.upload(session, request.user, upload.name, upload.file)
    except Invalid as error:
        return _list_page(request.user, [FieldError("file", error.detail)])
    return Redirect(PATH, status_code=303)


@staff_get(ONE, CHANGES)
def show_release(request: StaffRequest, release_id: FromPath[str]) -> Response[object]:
    """What this release would change, and for how many of the council's residents."""
    return _release_page(request.user, release_number(release_id), [])


def _release_page(user: Principal, release_id: int, field_errors: Sequence[FieldError]) -> Response[object]:
    with transaction() as session:
        compared = release_tasks.compare(session, user.council_id, release_id)
        shared = is_shared(session)
    return staff_page(
        user,
        "places/release.html",
        at=PATH,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        release=compared.release,
        previous=compared.previous,
        findings=compared.findings,
        moves=compared.moves,
        kinds=KINDS,
        is_shared=shared,
        path=f"{PATH}/{release_id}",
    )


@staff_post(f"{ONE}/activate", CHANGES, status_code=200)
def activate(request: StaffRequest, release_id: FromPath[str], body: RawBody) -> Response[object]:
    """Have the release put into force."""
    user, number = request.user, release_number(release_id)
    is_sure = read_form(body).has("sure")
    with transaction() as session:
        compared = release_tasks.compare(session, user.council_id, number)
        if not compared.findings.objections or is_sure:
            release_tasks.activate(session, user, number, is_confirmed=is_sure)
            return Redirect(PATH, status_code=303)
    return _release_page(user, number, [FieldError("sure", "Select the box if these changes are right")])


MENU_ITEMS = (MenuItem("Boundaries and postcodes", PATH, Right.CHANGE_PLACES, 95),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_releases, upload, show_release, activate)
