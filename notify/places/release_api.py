"""Releases of boundaries and postcodes, for programs: upload, what they change, putting them into force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import transaction
from notify.places import release_tasks
from notify.places.models import ReleaseKind, ReleaseTask, ReleaseTaskState, ReleaseWork
from notify.places.queries import releases
from notify.places.release_uploads import MOST_BYTES, UploadedRelease, release_number, uploaded_release
from notify.staff.guards import RequiresLive, Right
from notify.staff.routes import StaffRequest

CHANGES = RequiresLive(Right.CHANGE_PLACES)


class PlaceReleaseView(SQLModel):
    """A release that was loaded."""

    id: int
    kind: ReleaseKind
    product: str
    version: str
    rows: int
    loaded_at: datetime
    state: str = Field(description="`active`, `retired`, `loaded` or `dropped`.")


class ReleaseTaskView(SQLModel):
    """What a worker does, or did, with a release."""

    id: UUID
    work: ReleaseWork
    state: ReleaseTaskState
    release: int | None
    rows: int = Field(description="Read so far.")
    outcome: dict[str, int]
    failure: str

    @classmethod
    def of(cls, task: ReleaseTask) -> "ReleaseTaskView":
        """The public fields of this task."""
        shown = task.model_dump(include={"id", "work", "state", "rows", "outcome", "failure"})
        return cls(release=task.release_id, **shown)


class PlaceReleaseList(SQLModel):
    """Every release, oldest first, and the council's newest tasks."""

    releases: list[PlaceReleaseView]
    tasks: list[ReleaseTaskView]


class WardMoveView(SQLModel):
    """Places of your residents that come from one ward into another."""

    old_ward: str | None
    new_ward: str | None = Field(description="Null: the release does not say. They keep their ward, and are asked.")
    places: int


class PlaceReleaseComparison(SQLModel):
    """What a release would change against the one in force."""

    release: int
    previous: int | None
    added: int
    removed: int
    moved_ward: int
    objections: list[str] = Field(description="Where there are any, activate with `confirmed=true`.")
    moves: list[WardMoveView]


@dataclass
class ReleaseFileOperation(Operation):
    """The upload's documentation: its body is a file, which no type of ours describes."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"]))
        whole = OpenAPIMediaType(schema=file)
        self.request_body = RequestBody({"application/octet-stream": whole, "multipart/form-data": form}, required=True)


@get("/place-releases", guards=[CHANGES], sync_to_thread=True, tags=["places"])
def list_place_releases(request: StaffRequest) -> PlaceReleaseList:
    """The releases of boundaries and postcodes, and what is being done with them."""
    with transaction() as session:
        found = releases(session)
        work = release_tasks.tasks(session, request.user.council_id)
    return PlaceReleaseList(
        releases=[
            PlaceReleaseView(
                id=one.id,
                kind=ReleaseKind(one.kind),
                product=one.product,
                version=one.version,
                rows=one.row_count,
                loaded_at=one.loaded_at,
                state=one.state,
            )
            for one in found
        ],
        tasks=[ReleaseTaskView.of(task) for task in work],
    )


@post(
    "/place-releases",
    guards=[CHANGES],
    status_code=202,
    sync_to_thread=True,
    tags=["places"],
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded_release)},
    operation_class=ReleaseFileOperation,
)
def upload_place_release(
    request: StaffRequest,
    upload: NamedDependency[UploadedRelease],
    file_name: Annotated[str, QueryParameter(max_length=200, description="Of a file that is the whole body.")] = "",
) -> ReleaseTaskView:
    """Load a release from a file as it was downloaded, in the background. It counts for nothing until activated.

    Where several councils share the installation, its operators upload on the page instead.
    """
    with transaction() as session:
        made = release_tasks.upload(session, request.user, upload.name, upload.file)
        return ReleaseTaskView.of(made)


@get("/place-releases/{release_id:str}/comparison", guards=[CHANGES], sync_to_thread=True, tags=["places"])
def compare_place_release(request: StaffRequest, release_id: FromPath[str]) -> PlaceReleaseComparison:
    """What a release would change, and for how many places of your residents."""
    with transaction() as session:
        found = release_tasks.compare(session, request.user.council_id, release_number(release_id))
        return PlaceReleaseComparison(
            release=found.release.id or 0,
            previous=found.previous.id if found.previous else None,
            added=found.findings.added,
            removed=found.findings.removed,
            moved_ward=found.findings.moved_ward,
            objections=list(found.findings.objections),
            moves=[WardMoveView.model_validate(move, from_attributes=True) for move in found.moves],
        )


@post(
    "/place-releases/{release_id:str}/activate", guards=[CHANGES], status_code=202, sync_to_thread=True, tags=["places"]
)
def activate_place_release(
    request: StaffRequest,
    release_id: FromPath[str],
    confirmed: Annotated[bool, QueryParameter(description="Also where the comparison has objections.")] = False,
) -> ReleaseTaskView:
    """Put a release into force in the background, where your council is the only one of the installation."""
    with transaction() as session:
        made = release_tasks.activate(session, request.user, release_number(release_id), is_confirmed=confirmed)
        return ReleaseTaskView.of(made)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_place_releases,
    upload_place_release,
    compare_place_release,
    activate_place_release,
)
