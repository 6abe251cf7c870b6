"""Pages of a council's settings: a list with a link for each subject, a form a subject, and a preview of the look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.core.setting_values import contrast_with_white
from notify.staff.budgets import set_budget
from notify.staff.council_settings import service, subjects
from notify.staff.council_settings.effective import CouncilSettings, council_settings, effective
from notify.staff.council_settings.images import Image, ImageNotUsable, safe_image
from notify.staff.council_settings.models import ImageKind, OwnSettings
from notify.staff.council_settings.preview import preview_page
from notify.staff.council_settings.subjects import BUDGET, SUBJECTS, Subject
from notify.staff.council_settings.summary import summary_of
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.models import Budget
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.web.forms import MOST_FIELDS, FormNotReadable
from notify.web.headers import FRAMING_US

PATH = "/staff/settings"
MAY = Requires(Right.CHANGE_SETTINGS)
MAY_CHANGE = RequiresLive(Right.CHANGE_SETTINGS)


@dataclass(frozen=True, slots=True)
class Sent:
    """The fields and the files of a form."""

    form: Form
    files: Mapping[str, bytes]


async def sent_form(request: StaffRequest) -> Sent:
    """What this request sent. Raises: FormNotReadable."""
    items = list((await request.form()).multi_items())
    if len(items) > MOST_FIELDS:
        raise FormNotReadable("Go back, reload the page and fill it in again.")
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in items:
        if isinstance(value, UploadFile):
            content = await value.read()
            files |= {name: content} if content else {}
        elif "\0" not in str(value):
            fields.setdefault(name, []).append(str(value).strip())
    return Sent(Form(fields), files)


@staff_get(PATH, MAY)
def show_settings(request: StaffRequest, saved: FromQuery[str] = "") -> Response[object]:
    """What holds for the council, by subject."""
    user = request.user
    with transaction() as session:
        own, budget = service.own_settings(session, user.council_id), session.get(Budget, user.council_id)
        holds, about = council_settings(session, user.council_id), council(session, user.council_id)
    return staff_page(
        user,
        "settings/settings.html",
        at=PATH,
        council=about,
        holds=holds,
        groups=[(one, summary_of(one, own, holds, budget.monthly_pence if budget else None)) for one in SUBJECTS],
        saved=next((one.title for one in SUBJECTS if one.slug == saved), ""),
    )


@staff_get(f"{PATH}/{{subject:str}}", MAY)
def ask(request: StaffRequest, subject: FromPath[str]) -> Response[object]:
    """The form of one subject, with what the council has chosen. Raises: UnknownSubject."""
    about = subjects.subject(subject)
    with transaction() as session:
        own = service.own_settings(session, request.user.council_id)
        budget = session.get(Budget, request.user.council_id)
        holds = council_settings(session, request.user.council_id)
    fields = subjects.shown(own, budget.monthly_pence if budget else None)
    return _page(request.user, about, holds, Form({name: [text] for name, text in fields.items()}), [])


def _page(
    user: Principal, about: Subject, holds: CouncilSettings, form: Form, field_errors: Sequence[FieldError]
) -> Response[object]:
    return staff_page(
        user,
        "settings/subject.html",
        at=PATH,
        status=422 if field_errors else 200,
        headers=FRAMING_US if about.has_preview else {},
        about=about,
        holds=holds,
        form=form,
        field_errors=field_errors,
        weekdays=subjects.WEEKDAYS,
        contrast=contrast_with_white,
    )


@staff_post(f"{PATH}/{{subject:str}}", MAY_CHANGE, dependencies={"sent": Provide(sent_form)})
def save(request: StaffRequest, subject: FromPath[str], sent: NamedDependency[Sent]) -> Response[object]:
    """Take what the form says, or say what to change in it. Raises: UnknownSubject."""
    about, user = subjects.subject(subject), request.user
    field_errors = _save_budget(user, sent.form) if about.slug == BUDGET else _save(user, about, sent)
    if not field_errors:
        return Redirect(f"{PATH}?saved={about.slug}", status_code=303)
    with transaction() as session:
        holds = council_settings(session, user.council_id)
    return _page(user, about, holds, sent.form, field_errors)


def _save_budget(user: Principal, form: Form) -> Sequence[FieldError]:
    try:
        pence = subjects.read_pounds(form.one("monthly_pounds"))
    except ValueError as error:
        return [FieldError("monthly_pounds", str(error))]
    with transaction() as session:
        set_budget(session, council_id=user.council_id, actor=user.actor, monthly_pence=pence)
    return []


def _save(user: Principal, about: Subject, sent: Sent) -> Sequence[FieldError]:
    change, field_errors = subjects.read_change(about, sent.form)
    images, image_errors = _images(about, sent.files)
    if change is None or image_errors:
        return [*field_errors, *image_errors]
    try:
        with transaction() as session:
            service.change_settings(session, by=user, change=change)
            for kind, image in images.items():
                service.set_image(session, by=user, kind=kind, image=image)
    except service.SenderTaken as error:
        return [FieldError("sender_address", error.detail)]
    return []


def _images(about: Subject, files: Mapping[str, bytes]) -> tuple[Mapping[ImageKind, Image], Sequence[FieldError]]:
    found: dict[ImageKind, Image] = {}
    field_errors = []
    for field in about.fields:
        if field.kind == "image" and field.name in files:
            try:
                found[ImageKind(field.name)] = safe_image(files[field.name])
            except ImageNotUsable as error:
                field_errors.append(FieldError(field.name, error.detail))
    return found, field_errors


@staff_post(f"{PATH}/{{subject:str}}/preview", MAY, dependencies={"sent": Provide(sent_form)}, status_code=200)
def preview(request: StaffRequest, subject: FromPath[str], sent: NamedDependency[Sent]) -> Response[object]:
    """What pages, emails and texts would look like. Nothing is kept. Raises: UnknownSubject."""
    about, user = subjects.subject(subject), request.user
    if not about.has_preview:
        raise subjects.UnknownSubject("This subject has no preview.")
    change, field_errors = subjects.read_change(about, sent.form)
    images, image_errors = _images(about, sent.files)
    with transaction() as session:
        holds = _would_hold(session, user, change.stored() if change else {})
        kept = {kind: service.stored_image(session, user.council_id, kind) for kind in ImageKind}
    every = {kind: image for kind, image in ({**kept, **images}).items() if image}
    return preview_page(holds, every, [*field_errors, *image_errors])


def _would_hold(session: Session, user: Principal, given: Mapping[str, object]) -> CouncilSettings:
    """What would hold with these changes."""
    kept = service.own_settings(session, user.council_id).model_dump()
    return effective(council(session, user.council_id), OwnSettings(**kept | dict(given)))


@staff_post(f"{PATH}/images/{{kind:str}}/remove", MAY_CHANGE)
def remove_image(request: StaffRequest, kind: FromPath[str]) -> Response[object]:
    """Show no such image any more. Raises: ImageNotFound."""
    if kind not in set(ImageKind):
        raise service.ImageNotFound("Go to Settings and choose from there.")
    with transaction() as session:
        service.remove_image(session, by=request.user, kind=ImageKind(kind))
    return Redirect(f"{PATH}?saved={subjects.LOOK.slug}", status_code=303)


MENU_ITEMS = (MenuItem("Settings", PATH, Right.CHANGE_SETTINGS, 105),)
HANDLERS: Sequence[ControllerRouterHandler] = (show_settings, ask, save, preview, remove_image)
