"""Notifies on-call staff, Teams and Slack channels through Apprise."""

import logging
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from types import ModuleType

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from notify.core import jobs
from notify.core.jobs import HasInfo
from notify.core.setting_sources import SettingsOfOurs
from notify.packaged import extra_missing

log = logging.getLogger(__name__)

MISSING = extra_missing("NOTIFY_STAFF_URLS", "apprise")
NOT_SECONDS = "NOTIFY_STAFF_TIMEOUT_SECONDS is not a number of seconds from 0 to 60: correct it."
# an address may hold commas and spaces itself: the next one begins where there is a scheme
_BETWEEN = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class StaffSettings(SettingsOfOurs):
    """Where staff are told about alerts."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_STAFF_", frozen=True)

    urls: str = Field("", description="Apprise addresses, separated by commas or spaces; empty: nobody is told.")
    timeout_seconds: float = Field(15.0, gt=0, le=60, description="How long telling all of them may take.")


def note(session: HasInfo, what: str, identity: object) -> None:
    """Have staff told of an `alert`, a `hold`, `bounces` or a `budget` once this transaction has committed, if
    anyone is to be.

    A queue that loses it tells nobody: this is news, and the record is elsewhere.
    """
    try:
        urls = StaffSettings().urls
    except ValidationError:  # the doctor says so; no alert waits for it
        log.error("staff not told", extra={"error": NOT_SECONDS})
        return
    if urls:
        jobs.note(session, jobs.Job.TELL_STAFF, f"{what} {identity}", lane=jobs.Lane.TRANSACTIONAL)


def tell_staff(title: str, body: str, *, urgent: bool) -> bool:
    """Tell every channel in the settings at the same time; whether all of them took it.

    True also when there is nobody to tell. Raises nothing. Not to be called inside a transaction: it takes seconds.
    """
    try:
        settings = StaffSettings()
    except ValidationError:
        log.error("staff not told", extra={"error": NOT_SECONDS})
        return False
    addresses = _addresses(settings.urls)
    if not addresses:
        return True
    apprise = _apprise()
    if apprise is None:
        log.error("staff not told", extra={"error": MISSING})
        return False
    ends = time.monotonic() + settings.timeout_seconds
    telling = [(address, _start(apprise, address, title, body, urgent=urgent)) for address in addresses]
    return all([_is_told(number, address, told, ends) for number, (address, told) in enumerate(telling, start=1)])


def check_staff_channels() -> Sequence[str]:
    """What is wrong with the addresses, a sentence each with its remedy. For `notify doctor`: tells nobody."""
    try:
        addresses = _addresses(StaffSettings().urls)
    except ValidationError:
        return [NOT_SECONDS]
    if not addresses:
        return []
    apprise = _apprise()
    if apprise is None:
        return [MISSING]
    return [
        f"Address {number} in NOTIFY_STAFF_URLS ({_scheme(address)}) is not one that Apprise understands: "
        "see docs/providers/apprise.md."
        for number, address in enumerate(addresses, start=1)
        if apprise.Apprise.instantiate(address) is None
    ]


def _addresses(urls: str) -> Sequence[str]:
    return [address for part in _BETWEEN.split(urls) if (address := part.strip(", \t\r\n"))]


def _scheme(address: str) -> str:
    """The only part of an address that is no secret."""
    found = _SCHEME.match(address)
    return f"{found[1]}://…" if found else "without a scheme"


def _apprise() -> ModuleType | None:
    """The optional package, which takes a quarter of a second to load; None when it is not installed."""
    try:
        import apprise
    except ImportError:
        return None
    # its own words may hold an address with its secret; ours say what is needed
    logging.getLogger(apprise.logger.name).setLevel(logging.CRITICAL + 1)
    return apprise


def _start(apprise: ModuleType, address: str, title: str, body: str, *, urgent: bool) -> Future[bool]:
    """One channel being told, in a thread of its own that nobody waits for longer than they wish."""
    told: Future[bool] = Future()

    def run() -> None:
        try:
            channel = apprise.Apprise()
            kind = apprise.NotifyType.WARNING if urgent else apprise.NotifyType.INFO
            taken = channel.add(address) and channel.notify(
                body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
            told.set_result(taken is True)
        except Exception as error:
            told.set_exception(error)

    threading.Thread(target=run, name="telling", daemon=True).start()
    return told


def _is_told(number: int, address: str, told: Future[bool], ends: float) -> bool:
    """Wait for one channel until the time is over, and log its result without its secrets."""
    why = "It did not take the message."
    try:
        if told.result(max(0.0, ends - time.monotonic())):
            log.info("staff told", extra={"channel": number, "kind": _scheme(address)})
            return True
    except TimeoutError:
        why = "It is too slow."
    except Exception as error:  # whatever a plug-in raises; its words may hold the address
        why = type(error).__name__
    log.error("staff not told", extra={"channel": number, "kind": _scheme(address), "error": why})
    return False
