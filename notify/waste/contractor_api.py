"""The JSON routes for what contractors say of collections: by a key of the council, or by a signed call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, JSONBody, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sqlmodel import Field, SQLModel

from notify.core.db import Input, transaction
from notify.core.errors import Invalid
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.queries import council_by_slug
from notify.staff.routes import StaffRequest
from notify.waste import contractor_statuses, contractors
from notify.waste.contractor_statuses import MOST_AT_ONCE, NewStatus, Taken
from notify.waste.models import CollectionContractor
from notify.web.api_document import answers

SIGNED = "/webhooks/collections/{council:str}"
BY_KEY = "api"


class StatusesNotReadable(Invalid):
    """The body of a signed call is not `{"statuses": [...]}`."""

    title = "The statuses cannot be read"


class NewStatuses(Input):
    """What a contractor says, at most 1,000 words at once."""

    statuses: list[NewStatus] = Field(max_length=MOST_AT_ONCE)


class RefusedStatusView(SQLModel):
    """A word that was not taken."""

    reference: str
    reason: str


class StatusesTaken(SQLModel):
    """What came of a call. `repeated` came before with the same `reference`, and changed nothing."""

    accepted: int
    repeated: int
    refused: list[RefusedStatusView]

    @classmethod
    def of(cls, taken: Taken) -> "StatusesTaken":
        """The view of what was taken."""
        refused = [RefusedStatusView(reference=one.reference, reason=one.reason) for one in taken.refused]
        return cls(accepted=taken.accepted, repeated=taken.repeated, refused=refused)


class NewContractor(Input):
    """A contractor whose signed calls are to be taken."""

    name: str = Field(min_length=1, max_length=contractors.LONGEST_NAME)


class ContractorView(SQLModel):
    """A contractor. `secret` is told once, when it is added."""

    id: UUID
    name: str
    secret: str | None = None

    @classmethod
    def of(cls, one: CollectionContractor, *, with_secret: bool = False) -> "ContractorView":
        """The view of this contractor."""
        return cls(id=one.id, name=one.name, secret=one.secret if with_secret else None)


class ContractorsView(SQLModel):
    """The contractors of a council."""

    contractors: list[ContractorView]


@dataclass
class SignedOperation(Operation):
    """The route's documentation: its body is read after its signature was checked."""

    def __post_init__(self) -> None:
        statuses = Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT), max_items=MOST_AT_ONCE)
        whole = Schema(type=OpenAPIType.OBJECT, properties={"statuses": statuses}, required=["statuses"])
        self.request_body = RequestBody({"application/json": OpenAPIMediaType(schema=whole)}, required=True)


@post(
    "/collections/statuses",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    status_code=200,
    sync_to_thread=True,
    tags=["collections"],
)
def add_statuses(request: StaffRequest, data: JSONBody[NewStatuses]) -> StatusesTaken:
    """Say which collections were completed or missed. What was missed becomes an event, and residents are told."""
    user = request.user
    with transaction() as session:
        taken = contractor_statuses.take(session, user.council_id, data.statuses, source=BY_KEY, actor=user.actor)
        return StatusesTaken.of(taken)


@post(
    SIGNED,
    status_code=200,
    sync_to_thread=True,
    tags=["collections"],
    operation_class=SignedOperation,
    responses=answers(200, StatusesTaken, "What was taken."),
)
def receive_statuses(
    request: Request[Principal | None, None, State], council: FromPath[str], body: RawBody
) -> StatusesTaken:
    """The same by a call that a contractor signs as Standard Webhooks says, with the secret the council gave it.

    Public: an unsigned or old call is 401. A call that comes again changes nothing.
    """
    with transaction() as session:
        council_id = council_by_slug(session, council).id
        signer = contractors.signer(session, council_id, body, dict(request.headers))
        try:
            said = NewStatuses.model_validate(json.loads(body))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StatusesNotReadable(f"{where}: {first['msg']}.") from None
        actor = f"contractor:{signer.id}"
        taken = contractor_statuses.take(session, council_id, said.statuses, source=str(signer.id), actor=actor)
        return StatusesTaken.of(taken)


@get("/collections/contractors", guards=[Requires(Right.CHANGE_COLLECTIONS)], sync_to_thread=True, tags=["collections"])
def list_contractors(request: StaffRequest) -> ContractorsView:
    """The contractors whose signed calls are taken."""
    with transaction() as session:
        found = contractors.contractors(session, request.user.council_id)
        return ContractorsView(contractors=[ContractorView.of(one) for one in found])


@post(
    "/collections/contractors",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    sync_to_thread=True,
    tags=["collections"],
)
def add_contractor(request: StaffRequest, data: JSONBody[NewContractor]) -> ContractorView:
    """Take the calls of one more contractor. The answer has the secret that signs them, once."""
    user = request.user
    with transaction() as session:
        made = contractors.add(session, user.council_id, data.name, actor=user.actor)
        return ContractorView.of(made, with_secret=True)


@delete(
    "/collections/contractors/{contractor_id:uuid}",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    sync_to_thread=True,
    tags=["collections"],
)
def remove_contractor(request: StaffRequest, contractor_id: FromPath[UUID]) -> None:
    """Take no more calls of this contractor."""
    user = request.user
    with transaction() as session:
        contractors.remove(session, user.council_id, contractor_id, actor=user.actor)


HANDLERS: Sequence[ControllerRouterHandler] = (
    add_statuses,
    receive_statuses,
    list_contractors,
    add_contractor,
    remove_contractor,
)
