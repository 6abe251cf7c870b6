"""The map's script as `make map` built it: which files there are, and what each is called in this release."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from notify.packaged import packaged

BUILT = packaged("templates/map/built")
_TYPES = {".js": "text/javascript", ".css": "text/css"}


@dataclass(frozen=True, slots=True)
class Part:
    """One file in the two encodings that browsers take."""

    name: str
    gzipped: bytes
    brotli: bytes

    @property
    def media_type(self) -> str:
        """What it is."""
        return _TYPES[Path(self.name).suffix]

    def in_encoding(self, accepted: str) -> tuple[bytes, str]:
        """The smallest that `Accept-Encoding` allows, and the encoding's name; empty where it allows none."""
        taken = {part.split(";")[0].strip() for part in accepted.split(",")}
        if "br" in taken:
            return self.brotli, "br"
        if "gzip" in taken:
            return self.gzipped, "gzip"
        return gzip.decompress(self.gzipped), ""


def is_built() -> bool:
    """Whether pages can show the map; else they show the drawing of the wards."""
    return bool(addresses())


def addresses() -> Mapping[str, str]:
    """Where each part is, by the name of its source (`drawing.js`); nothing where the map was not built."""
    return {name: f"/map/{called}" for name, called in _names().items()}


@cache
def part_called(name: str) -> Part | None:
    """The part with this name of this release; None where there is none."""
    if name not in _names().values():
        return None
    return Part(name, (BUILT / f"{name}.gz").read_bytes(), (BUILT / f"{name}.br").read_bytes())


@cache
def _names() -> Mapping[str, str]:
    try:
        manifest = json.loads((BUILT / "manifest.json").read_text())
    except FileNotFoundError:
        return {}
    return {str(name): str(called) for name, called in manifest["parts"].items()}
