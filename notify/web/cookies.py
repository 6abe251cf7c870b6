"""The cookies there are: a session, what a browser is known by in which an officer signed in with a password, and the
answers of a sign-up that is not finished.
"""

from datetime import timedelta

from litestar.datastructures import Cookie

from notify.core.settings import settings

DEVICE_COOKIE = "known-device"
DRAFT_COOKIE = "sign-up"  # opens nothing: only its own browser learns what is in it


def session_cookie(name: str, secret: str, life: timedelta) -> Cookie:
    """A cookie that scripts cannot read and other sites' forms do not send."""
    return Cookie(
        key=settings().cookie_name(name),
        value=secret,
        max_age=int(life.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings().is_secure,
    )


def ended_cookie(name: str) -> Cookie:
    """The same cookie, told to go."""
    return session_cookie(name, "", timedelta(0))
