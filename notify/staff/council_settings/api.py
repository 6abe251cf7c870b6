"""API routes of a council's own settings and images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar import delete, get, patch, put
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, JSONBody, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, Session, SQLModel

from notify.core.db import transaction
from notify.core.setting_values import contrast_with_white
from notify.staff.council_settings import service
from notify.staff.council_settings.effective import council_settings
from notify.staff.council_settings.images import PNG, SVG, safe_image
from notify.staff.council_settings.models import ImageKind, OwnSettings, Period, SettingsChange
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest


class ChosenView(SQLModel):
    """What the council has chosen itself. Null: it has what the installation has."""

    name_cy: str | None
    short_name: str | None
    colour: str | None
    button_colour: str | None
    contact_page: str | None
    contact_phone: str | None
    contact_email: str | None
    data_protection_page: str | None
    data_protection_email: str | None
    sender_name: str | None
    sender_address: str | None
    reply_to: str | None
    sms_sender: str | None
    languages: list[str] | None
    digest_time: str | None
    digest_day: int | None
    retention_days: int | None
    pre_election: list[Period] | None
    providers: dict[str, str] | None

    @classmethod
    def of(cls, own: OwnSettings) -> "ChosenView":
        """The same as a view."""
        periods = [Period.model_validate(_period(days)) for days in own.pre_election or ()]
        kept = own.model_dump(include=set(cls.model_fields) - {"pre_election", "digest_time"})
        at = f"{own.digest_time:%H:%M}" if own.digest_time else None
        return cls(**kept, digest_time=at, pre_election=None if own.pre_election is None else periods)


def _period(days: Sequence[str]) -> Mapping[str, str]:
    return {"first_day": days[0], "last_day": days[1]}


class InForceView(SQLModel):
    """What holds: the council's own choice, else what the installation has. Contrasts are those of white words."""

    colour: str
    colour_contrast: float
    button_colour: str
    button_contrast: float
    sender_name: str
    sender_address: str
    base_url: str = Field(description="Where residents find the council's pages.")
    languages: list[str]
    digest_time: str
    digest_day: int
    retention_days: int
    pre_election: list[Period]


class CouncilView(SQLModel):
    """A council and what it has chosen for itself."""

    slug: str
    name: str
    districts: list[str]
    domain: str | None = Field(description="The installation's operator sets it.")
    path: str | None = Field(description="The installation's operator sets it.")
    logo: str | None = Field(description="Where the logo is; null: none.")
    icon: str | None = Field(description="Where the icon is; null: the service's own.")
    chosen: ChosenView
    in_force: InForceView


def _view(session: Session, user: Principal) -> CouncilView:
    one, holds = council(session, user.council_id), council_settings(session, user.council_id)
    own = service.own_settings(session, user.council_id)
    in_force = InForceView(
        colour=holds.colour,
        colour_contrast=round(contrast_with_white(holds.colour), 1),
        button_colour=holds.button_colour,
        button_contrast=round(contrast_with_white(holds.button_colour), 1),
        sender_name=holds.from_name("en"),
        sender_address=holds.sender_address,
        base_url=holds.base_url,
        languages=list(holds.languages),
        digest_time=f"{holds.digest_time:%H:%M}",
        digest_day=holds.digest_day,
        retention_days=holds.retention_days,
        pre_election=[Period.of(days) for days in holds.pre_election],
    )
    return CouncilView(
        slug=one.slug,
        name=one.name,
        districts=one.district_codes,
        domain=own.domain,
        path=own.path,
        logo=f"/theme/{one.slug}/logo" if own.logo else None,
        icon=f"/theme/{one.slug}/icon" if own.icon else None,
        chosen=ChosenView.of(own),
        in_force=in_force,
    )


@get("/council", guards=[Requires(Right.CHANGE_SETTINGS)], sync_to_thread=True, tags=["council"])
def read_council(request: StaffRequest) -> CouncilView:
    """Your council: what it has chosen for itself, and what holds."""
    with transaction() as session:
        return _view(session, request.user)


@patch("/council", guards=[RequiresLive(Right.CHANGE_SETTINGS)], sync_to_thread=True, tags=["council"])
def change_council(request: StaffRequest, data: JSONBody[SettingsChange]) -> CouncilView:
    """Change what your council has chosen. What is left out stays; null goes back to what the installation has."""
    with transaction() as session:
        service.change_settings(session, by=request.user, change=data)
        return _view(session, request.user)


@dataclass
class ImageOperation(Operation):
    """The route's documentation: its body is an image, which no type of ours describes."""

    def __post_init__(self) -> None:
        binary = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody({SVG: binary, PNG: binary}, required=True)


def image_kind(kind: str) -> ImageKind:
    """The kind that an address names. Raises: ImageNotFound."""
    if kind not in set(ImageKind):
        raise service.ImageNotFound(f"There are {' and '.join(ImageKind)}.")
    return ImageKind(kind)


@put(
    "/council/images/{kind:str}",
    guards=[RequiresLive(Right.CHANGE_SETTINGS)],
    sync_to_thread=True,
    tags=["council"],
    operation_class=ImageOperation,
)
def put_image(request: StaffRequest, kind: FromPath[str], body: RawBody) -> CouncilView:
    """Upload your council's `logo` or `icon`: SVG, which we clean, or PNG, of at most 20 kB."""
    which, image = image_kind(kind), safe_image(body)
    with transaction() as session:
        service.set_image(session, by=request.user, kind=which, image=image)
        return _view(session, request.user)


@delete(
    "/council/images/{kind:str}",
    guards=[RequiresLive(Right.CHANGE_SETTINGS)],
    status_code=200,
    sync_to_thread=True,
    tags=["council"],
)
def delete_image(request: StaffRequest, kind: FromPath[str]) -> CouncilView:
    """Remove your council's `logo` or `icon`."""
    which = image_kind(kind)
    with transaction() as session:
        service.remove_image(session, by=request.user, kind=which)
        return _view(session, request.user)


HANDLERS: Sequence[ControllerRouterHandler] = (read_council, change_council, put_image, delete_image)
