"""API routes of CAP: messages in, and an alert as a CAP message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.alerts import queries as alerts
from notify.alerts.publishing.queries import Published
from notify.cap import reader, service
from notify.cap.message import MEDIA_TYPE
from notify.cap.message_builder import message_of
from notify.cap.models import CapReceipt
from notify.cap.writer import write
from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest
from notify.subscribers.models import Topic


async def whole_body(request: StaffRequest) -> bytes:
    """The body as it came, whatever it is called."""
    return await request.body()


@dataclass
class CapOperation(Operation):
    """The documentation of a route whose body is XML, which no type of ours describes."""

    def __post_init__(self) -> None:
        message = Schema(type=OpenAPIType.STRING, description="A CAP 1.2 message of at most 2 MB.")
        self.request_body = RequestBody({MEDIA_TYPE: OpenAPIMediaType(schema=message)}, required=True)


@post(
    "/cap",
    guards=[Requires(Right.WRITE_ALERTS)],
    sync_to_thread=True,
    tags=["cap"],
    dependencies={"xml": Provide(whole_body)},
    operation_class=CapOperation,
)
def receive_cap(
    request: StaffRequest,
    xml: NamedDependency[bytes],
    topic: Annotated[str, QueryParameter(max_length=60)] = "",
    repair: FromQuery[bool] = False,
) -> Response[CapReceipt]:
    """Make a draft of a CAP message; nothing is sent.

    `topic` is the short name of the topic, else the council's for emergencies. An Update or Cancel makes a draft of
    an update or all-clear of the alert it refers to. The same message again gets the same reply. With `repair=true`
    rings that are open are closed, rings that are plainly longitude first are turned round, and `repaired` says so.
    """
    message = reader.read(xml)
    with transaction() as session:
        receipt, is_again = service.receive(session, request.user, message=message, xml=xml, topic=topic, repair=repair)
    headers = {"Location": f"/api/v1/alerts/{receipt.alert}"} | ({"Idempotent-Replay": "true"} if is_again else {})
    return Response(receipt, status_code=201, headers=headers)


@get(
    "/alerts/{alert_id:uuid}/cap",
    guards=[Requires(Right.SEE_ALERTS)],
    sync_to_thread=True,
    tags=["cap"],
    media_type=MEDIA_TYPE,
)
def preview_cap(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[bytes]:
    """An alert as its CAP message, drafts and rehearsals too: those say so in `status`. Unsigned."""
    with transaction() as session:
        alert = alerts.alert(session, request.user, alert_id)
        topic = session.get_one(Topic, alert.topic_id)
        sender = council(session, alert.council_id)
        message = message_of(session, Published(alert, topic, sender, sender.name))
    return Response(write(message), media_type=MEDIA_TYPE)


HANDLERS: Sequence[ControllerRouterHandler] = (receive_cap, preview_cap)
