"""Errors a person can act on. Each class is one problem type of RFC 9457.

A room raises a typed sentence; `web.problems` turns it into JSON or a page. `title` is the same for every
occurrence, the message says what happened this time and, where possible, what to do.
"""

import re
from typing import ClassVar, Self


class NotifyError(Exception):
    """Any refusal or failure this product can explain.

    `fields` go into the problem document beside type, title, status and detail.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    is_logged: ClassVar[bool] = False  # limits, failures and 401 are logged in any case

    def __init__(self, detail: str, **fields: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields
        self.reason = ""  # for the log alone, where it must not be told to who tries

    def because(self, reason: str) -> Self:
        """The same error with a reason that only the log shows."""
        self.reason = reason
        return self

    @classmethod
    def slug(cls) -> str:
        """The problem's name in its type address: `AudienceIsEmpty` is `audience-is-empty`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class Invalid(NotifyError):
    """What was sent cannot be accepted as it is."""

    status = 422
    title = "The request is not valid"


class NotFound(NotifyError):
    """There is no such thing, or it belongs to someone else."""

    status = 404
    title = "Not found"


class Gone(NotifyError):
    """There was such a thing."""

    status = 410
    title = "No longer in use"


class Conflict(NotifyError):
    """The request is right, but not in this state."""

    status = 409
    title = "Not possible now"


class Unauthenticated(NotifyError):
    """Nobody, or an unknown or expired key."""

    status = 401
    title = "Sign in or send a valid API key"


class Forbidden(NotifyError):
    """Someone, but not allowed."""

    status = 403
    title = "Not allowed"


class TooMany(NotifyError):
    """Asked too often; `retry_after` is the number of seconds to wait, and stands in the problem document too."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail, retry_after=retry_after)


class Unavailable(NotifyError):
    """A part we depend on is away; trying again helps."""

    status = 503
    title = "Temporarily unavailable"


class SetUpError(NotifyError):
    """The installation is not ready; the message says what to do."""

    title = "The installation needs attention"
