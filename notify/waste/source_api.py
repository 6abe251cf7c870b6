"""The JSON routes for sources of collection days that are fetched by themselves."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import SQLModel

from notify.core.db import transaction
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest
from notify.waste import sources
from notify.waste.models import CollectionSource
from notify.waste.sources import NewSource

PATH = "/collections/sources"


class SourceAddressView(SQLModel):
    """A source, and what became of it when it was fetched last."""

    id: UUID
    address: str
    name: str
    licence: str
    paid: list[str]
    every_hours: int
    most_changes: int | None
    next_at: datetime
    result: str
    result_at: datetime | None
    is_failing: bool

    @classmethod
    def of(cls, one: CollectionSource) -> "SourceAddressView":
        """The view of this source."""
        return cls.model_validate(one, from_attributes=True)


class SourceAddressesView(SQLModel):
    """The council's sources."""

    sources: list[SourceAddressView]


@get(PATH, guards=[Requires(Right.CHANGE_COLLECTIONS)], sync_to_thread=True, tags=["collections"])
def list_sources(request: StaffRequest) -> SourceAddressesView:
    """Where collection days are fetched from, and what became of it."""
    with transaction() as session:
        found = sources.sources(session, request.user.council_id)
        return SourceAddressesView(sources=[SourceAddressView.of(one) for one in found])


@post(PATH, guards=[RequiresLive(Right.CHANGE_COLLECTIONS)], sync_to_thread=True, tags=["collections"])
def add_source(request: StaffRequest, data: JSONBody[NewSource]) -> SourceAddressView:
    """Fetch collection days from an address every so many hours, the first time within a minute."""
    user = request.user
    with transaction() as session:
        return SourceAddressView.of(sources.add(session, user.council_id, data, actor=user.actor))


@post(
    f"{PATH}/{{source_id:uuid}}/fetch",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    status_code=200,
    sync_to_thread=True,
    tags=["collections"],
)
def fetch_source(request: StaffRequest, source_id: FromPath[UUID]) -> SourceAddressView:
    """Have it fetched within a minute instead of at its next turn."""
    with transaction() as session:
        return SourceAddressView.of(sources.fetch_soon(session, request.user.council_id, source_id))


@delete(
    f"{PATH}/{{source_id:uuid}}",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    sync_to_thread=True,
    tags=["collections"],
)
def remove_source(request: StaffRequest, source_id: FromPath[UUID]) -> None:
    """Fetch it no more. Releases that came from it stay."""
    user = request.user
    with transaction() as session:
        sources.remove(session, user.council_id, source_id, actor=user.actor)


HANDLERS: Sequence[ControllerRouterHandler] = (list_sources, add_source, fetch_source, remove_source)
