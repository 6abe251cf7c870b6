"""Files and programs that come with the package: in a checkout they lie beside it, in an installed wheel inside it."""

from pathlib import Path

from notify import __version__

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "bundled"  # only a wheel has it

#: the folder that holds `templates`, `geodata` and `workers`
ROOT = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent


def extra_missing(what: str, extra: str) -> str:
    """What to do where a part that is not installed is wanted: a sentence for the operator."""
    return (
        f"{what} needs the extra `{extra}`, which is not installed. In a checkout: `make setup`. From a wheel: "
        f"`pip install 'council_notify-{__version__}-py3-none-any.whl[{extra}]'`."
    )


def packaged(name: str) -> Path:
    """A file or folder that comes with the package, such as `templates/static`."""
    return ROOT / name
