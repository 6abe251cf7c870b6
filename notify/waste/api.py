"""The JSON routes of collection days: look-ups for everyone, releases and events for the council's programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from litestar import Request, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Response
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.places.postcodes import normalise
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.queries import council_by_slug
from notify.staff.routes import StaffRequest
from notify.waste import events, figures, home_days, queries, release_loading, releases, service, use
from notify.waste.entries import reference_of, spoken_postcode
from notify.waste.events import NewEvent
from notify.waste.file_shapes import ScheduleNotReadable
from notify.waste.home_days import AHEAD
from notify.waste.models import UseKind
from notify.waste.moved_days import EARLIEST, LATEST
from notify.waste.service import NewMove
from notify.waste.upload_runs import Upload
from notify.waste.uploads import MOST_BYTES, uploaded
from notify.waste.views import (
    CollectionsView,
    ComparisonView,
    EventsView,
    EventView,
    FiguresView,
    HomeView,
    MovesView,
    MoveView,
    ReleasesView,
    ReleaseView,
    RoundsView,
)
from notify.web.headers import OPEN_TO_ALL

MaybeRequest = Request[Principal | None, None, State]
LONGEST = timedelta(days=400)
From = Annotated[date | None, QueryParameter(name="from", description="The first day, today if it is not given.")]
To = Annotated[date | None, QueryParameter(name="to", description="The last day, eight weeks later if not given.")]


class SpanTooLong(Invalid):
    """The days asked for are in the wrong order, or more than 400."""

    title = "The days asked for are too many or in the wrong order"


@get("/collections", sync_to_thread=True, tags=["collections"])
def list_collections(
    request: MaybeRequest,
    postcode: Annotated[str, QueryParameter(max_length=20)],
    uprn: Annotated[str, QueryParameter(max_length=80, description="A home's reference, from `choices`.")] = "",
    first: From = None,
    last: To = None,
) -> Response[CollectionsView]:
    """The collection days of a home. Where several homes have the postcode, the answer is `choices` and no day.

    What a home has paid for, such as garden waste, is told only to a key of the council that may see subscribers.
    """
    begin = first or home_days.today()
    if not EARLIEST <= begin <= LATEST:
        raise SpanTooLong(f"Ask for days from {EARLIEST:%Y} to {LATEST:%Y}.")
    end = last or begin + AHEAD
    if not begin <= end <= begin + LONGEST:
        raise SpanTooLong("Ask for at most 400 days, the first of them first.")
    key = normalise(postcode)
    with transaction() as session:
        found = queries.homes_at(session, key, reference=reference_of(uprn))
        if not found:
            raise queries.UnknownHome(f"No council here has collection days for {spoken_postcode(key)}.")
        if len(found) > 1:
            view = CollectionsView(postcode=spoken_postcode(key), choices=[HomeView.of(one) for one in found])
        else:
            may_see_paid = _may_see_paid(request.user, found[0].council.id)
            shown = home_days.days_of_home(session, found[0], begin, end, with_paid=may_see_paid)
            view = CollectionsView.of(shown)
    if request.user is None:
        for council_id in {one.council.id for one in found}:
            use.count(council_id, UseKind.LOOK_UP)
    return Response(view, headers=OPEN_TO_ALL)


def _may_see_paid(user: Principal | None, council_id: UUID) -> bool:
    if user is None or user.is_test:  # a test key knows no resident
        return False
    return user.council_id == council_id and user.may(Right.SEE_ONE_SUBSCRIBER)


@get("/rounds", sync_to_thread=True, tags=["collections"])
def list_rounds(
    council: Annotated[str, QueryParameter(max_length=80, description="The council's short name.")],
) -> Response[RoundsView]:
    """The rounds of a council as open data: rules and the next days of what everyone has, and nothing about homes."""
    with transaction() as session:
        view = service.open_rounds(session, council_by_slug(session, council))
    return Response(view, headers=OPEN_TO_ALL)


@dataclass
class UploadOperation(Operation):
    """The route's documentation: its body is files, which no type of ours describes."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        names = ("name", "source", "licence", "fetched_at", "fresh_days", "paid", "postcode", "uprn", "address")
        fields = {name: text for name in names}
        files = Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        properties: dict[str, Reference | Schema] = {"files": files, **fields}
        whole = Schema(type=OpenAPIType.OBJECT, properties=properties, required=["files"], additional_properties=False)
        form = OpenAPIMediaType(schema=whole)
        self.request_body = RequestBody({"multipart/form-data": form}, required=True)


@post(
    "/collections/releases",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    sync_to_thread=True,
    tags=["collections"],
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded)},
    operation_class=UploadOperation,
)
def load_release(request: StaffRequest, upload: NamedDependency[Upload]) -> ReleaseView:
    """Load files beside the active release: CSV, JSON or iCalendar. Nothing changes until it is activated."""
    user = request.user
    if not upload.sources:
        raise ScheduleNotReadable("Send the files as multipart/form-data, in the field `files`.")
    with transaction() as session:
        made = release_loading.load(session, user.council_id, upload.sources, upload.options(user.actor))
        return ReleaseView.of(made)


@get("/collections/releases", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["collections"])
def list_releases(request: StaffRequest) -> ReleasesView:
    """The council's releases of collection days, the newest first."""
    with transaction() as session:
        found = releases.releases(session, request.user.council_id)
        return ReleasesView(releases=[ReleaseView.of(one) for one in found])


@get(
    "/collections/releases/{release_id:str}/comparison",
    guards=[Requires(Right.SEE_ALERTS)],
    sync_to_thread=True,
    tags=["collections"],
)
def compare_release(request: StaffRequest, release_id: FromPath[str]) -> ComparisonView:
    """How many homes the release would change, compared with the active one, over the next eight weeks."""
    with transaction() as session:
        chosen = releases.release(session, request.user.council_id, release_id)
        return ComparisonView.of(releases.compare(session, chosen))


@post(
    "/collections/releases/{release_id:str}/activate",
    guards=[RequiresLive(Right.CHANGE_COLLECTIONS)],
    status_code=200,
    sync_to_thread=True,
    tags=["collections"],
)
def activate_release(request: StaffRequest, release_id: FromPath[str]) -> ComparisonView:
    """Put the release into force, in one transaction; what that changed."""
    user = request.user
    with transaction() as session:
        chosen = releases.release(session, user.council_id, release_id)
        return ComparisonView.of(releases.activate(session, chosen, actor=user.actor))


@get("/collections/moves", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["collections"])
def list_moves(request: StaffRequest) -> MovesView:
    """The table of moved days, from four weeks ago on."""
    with transaction() as session:
        return MovesView(moves=[MoveView.of(one) for one in service.table(session, request.user.council_id)])


@put("/collections/moves", guards=[RequiresLive(Right.CHANGE_COLLECTIONS)], sync_to_thread=True, tags=["collections"])
def set_moves(request: StaffRequest, data: JSONBody[list[NewMove]]) -> MovesView:
    """Put lines into the table: each in place of the one for the same usual day, round and stream."""
    user = request.user
    with transaction() as session:
        service.set_moves(session, user.council_id, data, actor=user.actor)
        return MovesView(moves=[MoveView.of(one) for one in service.table(session, user.council_id)])


@get("/waste-events", guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["collections"])
def list_events(request: StaffRequest) -> EventsView:
    """What happened to collections, the newest first."""
    with transaction() as session:
        found = events.newest(session, request.user.council_id)
        return EventsView(events=[EventView.of(one) for one in found])


@post("/waste-events", guards=[RequiresLive(Right.CHANGE_COLLECTIONS)], sync_to_thread=True, tags=["collections"])
def add_event(request: StaffRequest, data: JSONBody[NewEvent]) -> EventView:
    """Say that collections of a day are moved, not completed or cancelled. Those who asked for reminders are told."""
    user = request.user
    with transaction() as session:
        return EventView.of(events.add(session, user.council_id, data, actor=user.actor))


@get("/collections/figures", guards=[Requires(Right.SEE_FIGURES)], sync_to_thread=True, tags=["collections"])
def read_collection_figures(request: StaffRequest, first: From = None, last: To = None) -> FiguresView:
    """Look-ups, reminders and what was missed between two days, the last 90 days if none are given."""
    end = last or home_days.today()
    begin = first or end - timedelta(days=89)
    if not EARLIEST <= begin <= end <= LATEST:
        raise SpanTooLong(f"Ask for days from {EARLIEST:%Y} to {LATEST:%Y}, the first of them first.")
    with transaction() as session:
        return FiguresView.of(figures.figures(session, request.user.council_id, begin, end))


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_collections,
    list_rounds,
    load_release,
    list_releases,
    compare_release,
    activate_release,
    list_moves,
    set_moves,
    list_events,
    add_event,
    read_collection_figures,
)
