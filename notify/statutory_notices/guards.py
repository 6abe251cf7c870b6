"""Who may publish statutory notices: those who may approve alerts for the whole council."""

from litestar.handlers import BaseRouteHandler

from notify.staff.guards import AnyConnection, RequiresLive, Right, principal_of
from notify.staff.remit import EVERYTHING, OutsideYourRemit


class MayPublish(RequiresLive):
    """A guard for what everyone can read at once. Raises: Forbidden, OutsideYourRemit."""

    def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        RequiresLive.__call__(self, connection, handler)
        if principal_of(connection).remit != EVERYTHING:
            raise OutsideYourRemit("Notices are the whole council's. You work with some topics or areas only.")


MAY_PUBLISH = MayPublish(Right.APPROVE_ALERTS)
