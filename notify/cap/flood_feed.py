"""The feed of flood warnings is fetched, and what is new in it becomes drafts. No transaction waits for the network."""

import json
import logging
import time
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from notify.cap import queries
from notify.cap.flood_drafts import Ground, draft_for_councils, note
from notify.cap.floods import Flood, FloodSeverity, read_feed
from notify.core.db import transaction
from notify.core.errors import Invalid, Unavailable
from notify.core.settings import settings
from notify.places import geometry
from notify.places.projection import to_national_grid

log = logging.getLogger(__name__)

MOST_FEED_BYTES = 10_000_000
MOST_OUTLINE_BYTES = 5_000_000
SECONDS = 20.0
RADIUS_M = 1_000.0
MOST_A_RUN = 500


class FloodFeedAway(Unavailable):
    """The feed or an outline could not be fetched; the next run tries again."""

    title = "The feed of flood warnings cannot be reached"


def read_warnings() -> int:
    """Fetch the feed and make the drafts of what is new in it; how many. For the scheduler.

    Raises: FloodFeedAway, FloodFeedNotReadable.
    """
    with httpx.Client(timeout=SECONDS / 2, headers={"Accept": "application/json, text/xml"}) as client:
        floods = read_feed(_fetch(client, settings().flood_feed, most_bytes=MOST_FEED_BYTES))
        with transaction() as session:
            new = queries.unread(session, floods)[:MOST_A_RUN]
        return sum(_read_one(client, flood) for flood in new)


def _read_one(client: httpx.Client, flood: Flood) -> int:
    """How many drafts one warning made; what goes wrong with it does not keep back the others."""
    try:
        ground = None if flood.severity == FloodSeverity.OVER else _ground(client, flood)
    except FloodFeedAway as error:
        log.warning("flood warning not read", extra={"area": flood.code, "error": error.detail})
        return 0
    except Invalid as error:
        with transaction() as session:
            note(session, flood, council_id=None, alert_id=None, why=error.detail)
        return 0
    with transaction() as session:
        return draft_for_councils(session, flood, ground)


def _ground(client: httpx.Client, flood: Flood) -> Ground | None:
    """The warning's outline, else a circle round its point; None where neither is known."""
    address = _outline_address(flood)
    if address and (body := _fetch(client, address, most_bytes=MOST_OUTLINE_BYTES, may_be_missing=True)):
        return _outline(body)
    if flood.point is None:
        return None
    return Ground(geometry.circle(*to_national_grid(*flood.point), RADIUS_M), is_rough=True)


def _outline(body: bytes) -> Ground:
    """The land in a GeoJSON document; an outline that crosses itself is repaired. Raises what `parse_shape` raises."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise FloodFeedAway("The outline of a warning is not GeoJSON.") from None
    try:
        return Ground(geometry.parse_shape(found))
    except geometry.ShapeCrossesItself as error:
        return Ground(geometry.parse_shape(error.fields["repaired"]))


def _outline_address(flood: Flood) -> str:
    """Only the feed's own host is asked, the way the feed itself is: a feed cannot send us elsewhere."""
    if not flood.polygon_url:
        return settings().flood_areas.replace("{code}", quote(flood.code, safe=""))
    feed, outline = urlsplit(settings().flood_feed), urlsplit(flood.polygon_url)
    if outline.hostname != feed.hostname:
        raise FloodFeedAway(f"The outline of a warning lies on another host ({outline.hostname}) than the feed.")
    return urlunsplit(outline._replace(scheme=feed.scheme, netloc=feed.netloc))


def _fetch(client: httpx.Client, address: str, *, most_bytes: int, may_be_missing: bool = False) -> bytes:
    ends = time.monotonic() + SECONDS
    body = bytearray()
    try:
        with client.stream("GET", address) as reply:
            if may_be_missing and reply.status_code in (404, 410):
                return b""
            if reply.status_code != 200:
                raise FloodFeedAway(f"{address} answered with status {reply.status_code}.")
            for part in reply.iter_bytes():
                body += part
                if len(body) > most_bytes:
                    raise FloodFeedAway(f"{address} sent more than {most_bytes:,} bytes.")
                if time.monotonic() > ends:
                    raise FloodFeedAway(f"{address} was not read within {SECONDS:g} seconds.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FloodFeedAway(f"{address} cannot be read: {type(error).__name__}.") from None
    return bytes(body)
