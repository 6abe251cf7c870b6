"""On a subscriber's record: what they were sent, sending one of it again, and everything held, to download."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.channels import CHANNELS
from notify.core import csv_cells
from notify.core.db import transaction
from notify.core.form_fields import FieldError
from notify.core.settings import settings
from notify.deliveries import message_resend, subject_access
from notify.deliveries.message_history import HistoryLine, history
from notify.deliveries.message_resend import NotSentAgain
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.page_frame import staff_page
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.service import audit
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.records.access import open_record
from notify.subscribers.records.panels import RecordPanel
from notify.web.forms import read_form
from notify.web.templates import part

PATH = "/staff/residents"
ONE = f"{PATH}/{{subscriber_id:uuid}}"
ON_RECORD, ON_A_PAGE = 5, 25
FINDS, CHANGES = Requires(Right.SEE_ONE_SUBSCRIBER), RequiresLive(Right.CHANGE_SUBSCRIBERS)
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1000)]


def newest(session: Session, user: Principal, record: SubscriberRecord) -> str:
    """The newest messages, for the record page."""
    found = history(session, record, most=ON_RECORD + 1)
    return part("subscribers/records/newest-messages.html", **_shown(user, record, found[:ON_RECORD]), more=found)


def _shown(user: Principal, record: SubscriberRecord, found: Sequence[HistoryLine]) -> dict[str, object]:
    return {
        "messages": found,
        "path": f"{PATH}/{record.subscriber.id}",
        "channels": CHANNELS,
        "may_resend": user.may(Right.CHANGE_SUBSCRIBERS),
        "on_record": ON_RECORD,
    }


@staff_get(f"{ONE}/messages", FINDS)
def show_messages(request: StaffRequest, subscriber_id: FromPath[UUID], number: PageNumber = 1) -> Response[object]:
    """Everything they were sent, a page at a time."""
    with transaction() as session:
        return _messages_page(session, request.user, subscriber_id, number, [])


def _messages_page(
    session: Session, user: Principal, subscriber_id: UUID, number: int, field_errors: Sequence[FieldError]
) -> Response[object]:
    record = open_record(session, user, subscriber_id)
    found = history(session, record, passed=(number - 1) * ON_A_PAGE, most=ON_A_PAGE + 1)
    return staff_page(
        user,
        "subscribers/records/messages.html",
        at=PATH,
        status=409 if field_errors else 200,
        field_errors=field_errors,
        person=record.subscriber,
        number=number,
        has_more=len(found) > ON_A_PAGE,
        days=settings().retention_days,
        **_shown(user, record, found[:ON_A_PAGE]),  # type: ignore[arg-type]
    )


@staff_post(f"{ONE}/resend", CHANGES, status_code=200)
def resend(request: StaffRequest, subscriber_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send one message again, to them alone."""
    alert_id, number = _named(read_form(body).one("message"))
    user = request.user
    try:
        with transaction() as session:
            record = open_record(session, user, subscriber_id)
            message_resend.send_again(session, user, record, alert_id, number)
    except NotSentAgain as error:
        with transaction() as session:
            return _messages_page(session, user, subscriber_id, 1, [FieldError("messages", error.detail)])
    return Redirect(f"{PATH}/{subscriber_id}?done=resent", status_code=303)


def _named(message: str) -> tuple[UUID, int]:
    """The alert and the number in a hidden field; of no message where it was altered."""
    alert, _, number = message.partition(".")
    try:
        return UUID(alert), int(number)
    except ValueError:
        return UUID(int=0), 0


@staff_get(f"{ONE}/data", FINDS)
def show_everything(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[object]:
    """Everything that this council holds about them, to read out or to print."""
    with transaction() as session:
        record, held = _everything(session, request.user, subscriber_id, "page")
    return staff_page(
        request.user,
        "subscribers/records/everything.html",
        at=PATH,
        person=record.subscriber,
        path=f"{PATH}/{subscriber_id}",
        facts=list(csv_cells.facts(held)),
    )


def _everything(
    session: Session, user: Principal, subscriber_id: UUID, form: str
) -> tuple[SubscriberRecord, dict[str, object]]:
    record = open_record(session, user, subscriber_id)
    audit(
        session,
        council_id=user.council_id,
        actor=user.actor,
        action="subscriber.export",
        subject=str(subscriber_id),
        form=form,
    )
    return record, subject_access.everything(session, record)


@staff_get(f"{ONE}/data.json", FINDS)
def download_json(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[dict[str, object]]:
    """The same for a program."""
    with transaction() as session:
        _, held = _everything(session, request.user, subscriber_id, "json")
    return Response(held, headers={"Content-Disposition": 'attachment; filename="resident.json"'})


@staff_get(f"{ONE}/data.csv", FINDS)
def download_csv(request: StaffRequest, subscriber_id: FromPath[UUID]) -> Response[str]:
    """The same as a table, one line for each fact."""
    with transaction() as session:
        _, held = _everything(session, request.user, subscriber_id, "csv")
    headers = {"Content-Disposition": 'attachment; filename="resident.csv"'}
    return Response(csv_cells.csv_of(("what", "value"), csv_cells.facts(held)), media_type="text/csv", headers=headers)


RECORD_PANELS = (RecordPanel(10, newest),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_messages,
    resend,
    show_everything,
    download_json,
    download_csv,
)
