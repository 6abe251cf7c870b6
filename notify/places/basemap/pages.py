"""The base map's tiles and styles, and the map's own script, as browsers fetch them. Open to all: it is open data."""

import gzip
import json
from collections.abc import Sequence
from typing import Annotated

from litestar import MediaType, Response
from litestar.params import FromPath, PathParameter
from litestar.types import ControllerRouterHandler

from notify.core.errors import NotFound
from notify.core.settings import settings
from notify.places.basemap import script, store
from notify.places.basemap.style import LOOKS, style_of
from notify.web.conditional import etag_of, is_known, known_by
from notify.web.routes import PublicRequest, page_get

FOR_EVER = "public, max-age=31536000, immutable"  # what the address names never changes
A_DAY = "public, max-age=86400"
SHORTLY = "public, max-age=300"
COMPRESSED = {"is_stream": True}  # as it is kept: nothing here compresses it again
MOST_ZOOM = 22
TILE = "application/x-protobuf"
Zoom = Annotated[int, PathParameter(ge=0, le=MOST_ZOOM)]


class NoSuchPart(NotFound):
    """The map has no such look or file."""

    title = "The map has no such part"


@page_get("/basemap/{zoom:int}/{x:int}/{name:str}", **COMPRESSED)
def read_tile(request: PublicRequest, zoom: Zoom, x: FromPath[int], name: FromPath[str]) -> Response[bytes]:
    """One square of the base map as a vector tile; 204 where it shows nothing. Raises: NoSuchPart."""
    row, _, kind = name.partition(".")
    if kind != "pbf" or not row.isdecimal() or len(row) > 8 or not (0 <= x < 1 << zoom and int(row) < 1 << zoom):
        raise NoSuchPart("Tiles are at /basemap/{zoom}/{column}/{row}.pbf.")
    about = store.about()
    data = store.tile(zoom, x, int(row)) if about else None
    is_named = about is not None and request.query_params.get("v") == about.version
    headers = {"Cache-Control": FOR_EVER if is_named else A_DAY, "Vary": "Accept-Encoding"}
    if data is None:
        return Response(b"", status_code=204, headers=headers, media_type=TILE)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return known_by(request, gzip.decompress(data), TILE, headers=headers, named=data)
    return known_by(request, data, TILE, headers=headers | {"Content-Encoding": "gzip"})


@page_get("/basemap/{name:str}")
def read_style(request: PublicRequest, name: FromPath[str]) -> Response[bytes]:
    """How the map looks: `style-light.json`, `style-dark.json` or `style-contrast.json`. Raises: NoSuchPart."""
    look = name.removeprefix("style-").removesuffix(".json")
    if look not in LOOKS or name != f"style-{look}.json":
        raise NoSuchPart(f"The looks are {', '.join(LOOKS)}.")
    chosen = settings()
    style = style_of(look, store.about(), tiles_url=chosen.map_tiles_url, tiles_credit=chosen.map_tiles_attribution)
    body = json.dumps(style, separators=(",", ":")).encode()
    return known_by(request, body, MediaType.JSON, headers={"Cache-Control": SHORTLY})


@page_get("/map/{name:str}", **COMPRESSED)
def read_script(request: PublicRequest, name: FromPath[str]) -> Response[bytes]:
    """A part of the map's script, compressed as it was built. Raises: NoSuchPart."""
    found = script.part_called(name)
    if found is None:
        raise NoSuchPart("This release of the map has no such file. Reload the page.")
    body, encoding = found.in_encoding(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding", "ETag": etag_of(name.encode())}
    if is_known(request.headers, headers["ETag"]):
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers, media_type=found.media_type)


HANDLERS: Sequence[ControllerRouterHandler] = (read_tile, read_style, read_script)
