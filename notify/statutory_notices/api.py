"""API routes of the register of statutory notices."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.staff.guards import Requires, Right
from notify.staff.queries import council
from notify.staff.routes import StaffRequest
from notify.statutory_notices import queries, service
from notify.statutory_notices.feeds import NoticesView, NoticeView, NoticeWithVersions, VersionView
from notify.statutory_notices.guards import MAY_PUBLISH
from notify.statutory_notices.models import Correction, Matter, NewNotice, StatutoryNotice, Withdrawal
from notify.statutory_notices.queries import Wanted

PATH = "/public-notices"
ONE = f"{PATH}/{{notice_id:uuid}}"
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1000)]


def _view(session: Session, notice: StatutoryNotice) -> NoticeWithVersions:
    versions = queries.versions(session, notice)
    own = council(session, notice.council_id)
    view = NoticeView.of(notice, versions[0], own)
    return NoticeWithVersions(**view.model_dump(), versions=[VersionView.of(one) for one in versions])


@get(PATH, guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["notices"])
def list_public_notices(
    request: StaffRequest, kind: FromQuery[Matter | None] = None, number: PageNumber = 1
) -> NoticesView:
    """The council's notices, the newest first, each with the version that holds."""
    with transaction() as session:
        wanted = Wanted(council_id=request.user.council_id, kind=kind)
        found = queries.listed(session, wanted, page=number)
        shown = [NoticeView.of(one.notice, one.latest, one.council) for one in found[: queries.PAGE]]
    return NoticesView(notices=shown, has_more=len(found) > queries.PAGE)


@post(PATH, guards=[MAY_PUBLISH], sync_to_thread=True, tags=["notices"])
def publish_public_notice(request: StaffRequest, data: JSONBody[NewNotice]) -> NoticeWithVersions:
    """Publish a notice at once, at an address that is for good. The same reference a second time is refused."""
    user = request.user
    with transaction() as session:
        made = service.publish(session, council_id=user.council_id, actor=user.actor, new=data)
        return _view(session, made.notice)


@get(ONE, guards=[Requires(Right.SEE_ALERTS)], sync_to_thread=True, tags=["notices"])
def read_public_notice(request: StaffRequest, notice_id: FromPath[UUID]) -> NoticeWithVersions:
    """One notice with everything it ever said."""
    with transaction() as session:
        return _view(session, queries.entry(session, request.user.council_id, notice_id).notice)


@post(f"{ONE}/correct", guards=[MAY_PUBLISH], sync_to_thread=True, tags=["notices"])
def correct_public_notice(
    request: StaffRequest, notice_id: FromPath[UUID], data: JSONBody[Correction]
) -> NoticeWithVersions:
    """Say this from now on. What it said before stays readable, with the reason of the change."""
    user = request.user
    with transaction() as session:
        notice = queries.entry(session, user.council_id, notice_id).notice
        service.correct(session, notice, actor=user.actor, new=data)
        return _view(session, notice)


@post(f"{ONE}/withdraw", guards=[MAY_PUBLISH], sync_to_thread=True, tags=["notices"])
def withdraw_public_notice(
    request: StaffRequest, notice_id: FromPath[UUID], data: JSONBody[Withdrawal]
) -> NoticeWithVersions:
    """End a notice for a reason. It stays readable, and says that it was withdrawn."""
    user = request.user
    with transaction() as session:
        notice = queries.entry(session, user.council_id, notice_id).notice
        service.withdraw(session, notice, actor=user.actor, reason=data.reason)
        return _view(session, notice)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_public_notices,
    publish_public_notice,
    read_public_notice,
    correct_public_notice,
    withdraw_public_notice,
)
