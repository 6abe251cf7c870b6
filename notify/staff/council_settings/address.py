"""Where a council's pages are: a domain that leads here, or a path of the installation's own, as its operator says."""

import re
from urllib.parse import urlsplit

from sqlmodel import Session, col, or_, select

from notify.core.errors import Conflict, Invalid
from notify.core.settings import settings
from notify.staff.council_settings.models import OwnSettings
from notify.staff.council_settings.service import store
from notify.staff.models import Council

# what addresses of the installation's own begin with, which no council's path may be
RESERVED = frozenset(
    (
        *("alerts", "alerts.atom", "alerts.json", "alerts.cap.atom", "topics", "s", "qr.svg", "poster", "widget"),
        *("privacy", "accessibility", "sitemap.xml", "robots.txt", "notices", "notices.atom", "notices.csv", "static"),
        *("basemap", "map"),
        *(
            "notices.json",
            "performance",
            "a",
            "u",
            "x",
            "r",
            "c",
            "o",
            "my",
            "manage",
            "confirm",
            "confirm-code",
            "sign-up",
        ),
        *("add-contact", "bins", "bin-calendar", "staff", "api", "health", "metrics", "theme", "theme.css", "problems"),
        *("favicon.ico", "schema", "incidents", "near", "manifest.webmanifest", "icon.png", "share.png"),
    )
)
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_PATH = re.compile(r"(?=.{2,40}$)[a-z0-9]+(-[a-z0-9]+)*")


class AddressNotValid(Invalid):
    """No council's pages can be there."""

    title = "The pages cannot have this address"


class AddressTaken(Conflict):
    """Another council's pages are there."""

    title = "Another council has this address"


def set_address(session: Session, council: Council, *, domain: str, path: str, actor: str) -> OwnSettings:
    """Say where this council's pages are; empty for none. Emails lead there from now on, so it must lead here already.

    Raises: AddressNotValid, AddressTaken, CouncilMerged.
    """
    domain, path = domain.strip().lower(), path.strip().strip("/").lower()
    if domain and (not _DOMAIN.fullmatch(domain) or domain == urlsplit(settings().base_url).hostname):
        raise AddressNotValid("Enter a domain of the council's own, like alerts.example.org, and nothing else.")
    if path and (not _PATH.fullmatch(path) or path in RESERVED):
        raise AddressNotValid(
            f"{path!r} cannot be used. Enter 2 to 40 small letters, digits and hyphens, like east-cambs, that no "
            "page of this service begins with."
        )
    wanted = [OwnSettings.domain == domain] if domain else []
    wanted += [OwnSettings.path == path] if path else []
    if wanted:
        others = select(OwnSettings.council_id).where(or_(*wanted), col(OwnSettings.council_id) != council.id)
        if session.exec(others).first():
            raise AddressTaken("Another council has this domain or path. Enter another.")
    given = {"domain": domain or None, "path": path or None}
    return store(session, council_id=council.id, actor=actor, given=given)
