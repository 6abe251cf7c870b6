"""Wrong settings, each in one sentence that names the variable."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notify.core.setting_names import NAMES
from notify.core.setting_sources import SECRETS_DIR, SettingsOfOurs, given

# variables that are read elsewhere: by tests, measurements and `notify alert`
OTHERS = frozenset({SECRETS_DIR, "NOTIFY_REAL_DATA", "NOTIFY_API_URL", "NOTIFY_API_KEY"})
OF_TESTS = "NOTIFY_TEST_"
PROVIDERS = "notify.providers"  # the group of entry points

# what pydantic calls an error, in our words; `ctx` has the numbers
SENTENCES: Mapping[str, str] = {
    "int_parsing": "{input!r} is not a whole number",
    "int_from_float": "{input!r} is not a whole number",
    "float_parsing": "{input!r} is not a number",
    "bool_parsing": "{input!r} is neither true nor false",
    "greater_than": "{input} is too small: give more than {gt}",
    "greater_than_equal": "{input} is too small: give at least {ge}",
    "less_than": "{input} is too large: give less than {lt}",
    "less_than_equal": "{input} is too large: give at most {le}",
    "missing": "it is needed and not set",
    "literal_error": "{input!r} is none of {expected}",
    "enum": "{input!r} is none of {expected}",
}


def sentences(error: ValidationError) -> Sequence[str]:
    """What is wrong with each setting of a class, each with its variable."""
    return [_sentence(error.title, one) for one in error.errors()]


def _sentence(of: str, one: ErrorDetails) -> str:
    context = {"input": one["input"], **one.get("ctx", {})}
    said = SENTENCES.get(one["type"], "").format_map(context) or one["msg"].removeprefix("Value error, ")
    if not one["loc"]:
        return said
    return f"{_prefix(of)}{str(one['loc'][0]).upper()}: {said}"


def _prefix(of: str) -> str:
    return next((str(kind.model_config.get("env_prefix", "")) for kind in _kinds() if kind.__name__ == of), "")


def _kinds() -> Iterator[type[SettingsOfOurs]]:
    yield from SettingsOfOurs.__subclasses__()


def unknown() -> Sequence[str]:
    """A sentence for each variable that looks like a setting and is none. Raises: SettingNotReadable."""
    foreign = {point.name for point in entry_points(group=PROVIDERS) if not point.module.startswith("notify.")}
    prefixes = (OF_TESTS, *(f"NOTIFY_{name.upper().replace('-', '_')}_" for name in sorted(foreign)))
    wrong = [name for name in given() if name not in NAMES | OTHERS and not name.startswith(prefixes)]
    return [_unknown(name) for name in sorted(wrong)]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.8)
    return f"{name} is no setting" + (f": did you mean {near[0]}?" if near else ", and has no effect.")
