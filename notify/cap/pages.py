"""Public pages: an emergency as a CAP message, and the index of those in force. For staff: uploading a CAP file."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Response
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts.models import Priority
from notify.alerts.publishing import queries as publishing
from notify.cap import reader, service
from notify.cap.drafts import Outcome
from notify.cap.index import index
from notify.cap.message import MEDIA_TYPE
from notify.cap.message_builder import message_of
from notify.cap.models import CapReceipt
from notify.cap.signing import sign
from notify.cap.writer import write
from notify.core.db import transaction
from notify.core.errors import Forbidden, NotFound, NotifyError, SetUpError, Unavailable
from notify.languages import speaking
from notify.staff.guards import Principal, Requires, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.subscribers.models import Topic
from notify.subscribers.topic_queries import topics_open
from notify.web.conditional import known_by
from notify.web.routes import PublicRequest, page_get

FOR_ALL = {
    "Cache-Control": "public, max-age=60",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
MOST_IN_INDEX = 200


class NotPublishedAsCap(NotFound):
    """Only emergencies are told to other systems."""

    title = "This alert has no CAP message"


@page_get("/alerts/{alert_id:uuid}/cap")
def read_cap(request: PublicRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """An emergency that went out as its CAP message, at `/alerts/{id}.cap`. Raises: AlertNotPublished."""
    with transaction() as session:
        one = publishing.published(session, alert_id)
        if one.alert.priority != Priority.EMERGENCY:
            raise NotPublishedAsCap("It is not an emergency. Its page says what it tells residents.")
        message = message_of(session, one)
    document = write(message)
    return known_by(request, sign(document), MEDIA_TYPE, headers=FOR_ALL, named=document)  # signatures differ each time


@page_get("/alerts.cap.atom")
def read_index(request: PublicRequest) -> Response[bytes]:
    """The CAP messages that hold now."""
    with transaction() as session, speaking("en"):  # as the messages are
        found = publishing.current(session, publishing.Wanted(), most=MOST_IN_INDEX)
        changed = publishing.newest_at(session, publishing.Wanted())
    urgent = [one for one in found if one.alert.priority == Priority.EMERGENCY]
    body = index(urgent, changed=changed)
    return known_by(request, body, "application/atom+xml", headers=FOR_ALL)


@dataclass(frozen=True, slots=True)
class Upload:
    """The submitted form: the file, the topic's short name, and whether plain slips are to be repaired."""

    xml: bytes = b""
    topic: str = ""
    repair: bool = False


async def uploaded(request: StaffRequest) -> Upload:
    """What the form of this request holds."""
    form = await request.form()
    file = form.get("file")
    xml = await file.read(reader.MOST_BYTES + 1) if isinstance(file, UploadFile) else b""
    return Upload(xml, str(form.get("topic") or ""), repair="repair" in form)


@staff_get("/staff/cap", Requires(Right.WRITE_ALERTS))
def ask_for_cap(request: StaffRequest) -> Response[object]:
    """A form for a CAP message from a file."""
    with transaction() as session:
        return _form(session, request.user, Upload())


@staff_post("/staff/cap", Requires(Right.WRITE_ALERTS), dependencies={"upload": Provide(uploaded)})
def read_cap_file(request: StaffRequest, upload: NamedDependency[Upload]) -> Response[object]:
    """Make a draft of it and show that, or say what is wrong."""
    user = request.user
    try:
        receipt = _received(user, upload)
    except (Forbidden, SetUpError, Unavailable):
        raise
    except NotifyError as error:
        with transaction() as session:
            return _form(session, user, upload, error=error)
    if receipt.repaired or receipt.notes or receipt.replaces or receipt.kind == Outcome.WITHDRAWN:
        return staff_page(user, "cap/read.html", at="/staff/compose", receipt=receipt)
    return Redirect(f"/staff/alerts/{receipt.alert}", status_code=303)


def _received(user: Principal, upload: Upload) -> CapReceipt:
    if not upload.xml:
        raise reader.CapNotXml("Choose a file.")
    message = reader.read(upload.xml)
    with transaction() as session:
        found = service.receive(
            session, user, message=message, xml=upload.xml, topic=upload.topic, repair=upload.repair
        )
    return found.receipt


def _form(session: Session, user: Principal, upload: Upload, *, error: NotifyError | None = None) -> Response[object]:
    choices: Sequence[Topic] = topics_open(session, [user.council_id])
    field = "topic" if isinstance(error, service.CapTopicMissing) else "file"
    field_errors = [{"field": field, "message": f"{error.title}. {error.detail}"}] if error else []
    return staff_page(
        user,
        "cap/upload.html",
        at="/staff/compose",
        status=error.status if error else 200,
        topics=choices,
        upload=upload,
        field_errors=field_errors,
    )


HANDLERS: Sequence[ControllerRouterHandler] = (read_cap, read_index, ask_for_cap, read_cap_file)
