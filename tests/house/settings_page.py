"""Writes the page of settings from the settings: `python -m tests.house.settings_page > docs/settings.md`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from notify.core import setting_names
from notify.core.limit_settings import LimitSettings
from notify.core.setting_sources import SettingsOfOurs as BaseSettings
from notify.core.settings import Settings
from notify.providers.registry import GROUP
from notify.staff.council_settings.subjects import BUDGET, SUBJECTS, Field, Subject
from notify.staff.council_settings.values import PROVIDER_SETTINGS
from notify.staff.notification_channels import StaffSettings
from notify.staff.sign_in.oidc import OidcSettings
from notify.subscribers.suppression.bounce_models import BounceSettings

INTRODUCTION = """\
# Settings

For operators. Find every variable, its default and its meaning.

Everything is set by environment variables, read once when a process starts. All processes of an installation need
the same ones. With none at all, the `notify` command runs on embedded servers; a real installation sets at least
`NOTIFY_DATABASE_URL`, `NOTIFY_REDIS_URL`, `NOTIFY_SECRET_KEY` and `NOTIFY_BASE_URL`. `notify doctor` says what is
missing or wrong, `notify settings` what is in force and where it was given. Providers of third parties bring settings
of their own.

Secrets need not stand in the environment. `NOTIFY_SMTP_PASSWORD_FILE=/run/secrets/smtp` reads `NOTIFY_SMTP_PASSWORD`
from that file, and so it is with every setting. `NOTIFY_SECRETS_DIR=/run/secrets` reads each file there that is named
like a setting, such as `notify_smtp_password`. The environment comes first; a setting and its file together are
refused.

This page is written by `python -m tests.house.settings_page > docs/settings.md`.
"""


COUNCILS = """\
## What each council sets itself

Administrators of a council set these ([how](how-to/council-look.md)). What a council has not set is as the variable
says, where there is one.

| setting | page | API | variable with the installation's own |
|---|---|---|---|"""
OPERATORS = """\
An operator of the installation sets these ([councils](councils.md)), because they are the machine's or bind others.

| setting | page | command |
|---|---|---|
| Name, short name | `/staff/councils` | `notify council create`, `notify council rename` |
| Districts | `/staff/councils` | `notify council districts` |
| Domain or path of its pages | `/staff/councils` | `notify council address` |
| Open, closed or merged | `/staff/councils` | `notify council close`, `reopen`, `merge` |
| Who is an operator | | `notify officer operator` |
"""
# the variable that has the installation's own value of what a council may set
DEFAULTS = {
    "colour": "NOTIFY_THEME_COLOUR",
    "logo": "NOTIFY_THEME_LOGO",
    "sender_name": "NOTIFY_SENDER_NAME",
    "sender_address": "NOTIFY_SENDER_ADDRESS",
    "languages": "NOTIFY_FURTHER_LANGUAGES",
    "retention_days": "NOTIFY_RETENTION_DAYS",
    "pre_election": "NOTIFY_PRE_ELECTION",
    **{name: f"NOTIFY_{name.upper()}" for name in PROVIDER_SETTINGS},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One variable."""

    name: str
    default: str
    description: str


def classes() -> Iterator[type[BaseSettings]]:
    """The installation's settings, then each built-in provider's."""
    yield Settings
    yield LimitSettings
    yield OidcSettings
    yield StaffSettings
    yield BounceSettings
    seen: set[type[BaseSettings]] = set()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.module.startswith("notify."):
            module = sys.modules[point.load().__module__]
            for found in vars(module).values():
                is_ours = isinstance(found, type) and getattr(found, "__module__", "") == module.__name__
                if is_ours and issubclass(found, BaseSettings) and found not in seen:
                    seen.add(found)
                    yield found


def rows(settings: type[BaseSettings]) -> Iterator[Row]:
    """Every variable of a settings class."""
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        yield Row(f"{prefix}{name}".upper(), default, field.description or "")


def prefix_of(settings: type[BaseSettings]) -> str:
    """The provider's name, as its variables begin: `govuk`."""
    return settings.model_config.get("env_prefix", "").lower().removeprefix("notify_").strip("_")


NAMES = Path(setting_names.__file__)


def names() -> str:
    """The module of all names, which tells a setting from a slip."""
    lines = "".join(f'        "{name}",\n' for name in sorted(row.name for kind in classes() for row in rows(kind)))
    return (
        '"""The names of all settings; written by `python -m tests.house.settings_page`."""\n\n'
        f"NAMES = frozenset(\n    {{\n{lines}    }}\n)\n"
    )


def found_at(variable: str) -> str:
    """Where a setting is found: in the environment alone, or on a page and in the API of each council too."""
    own = next((name for name, default in DEFAULTS.items() if default == variable), None)
    about = next((one for one in SUBJECTS for field in one.fields if field.name == own), None)
    return f"environment; each council: [{about.title}](#what-each-council-sets-itself)" if about else "environment"


def _line(about: Subject, field: Field) -> str:
    if field.kind == "image":
        api = f"`PUT /council/images/{field.name}`"
    elif about.slug == BUDGET:
        api = "`PUT /budget` `monthly_pence`"
    else:
        name = f"providers.{field.name}" if field.name in PROVIDER_SETTINGS else field.name
        api = f"`PATCH /council` `{name}`"
    default = f"`{DEFAULTS[field.name]}`" if field.name in DEFAULTS else ""
    return f"| {field.label} | `/staff/settings/{about.slug}` | {api} | {default} |"


def of_councils() -> str:
    """What a council chooses for itself, and what its operator says of it: page, API and variable."""
    lines = [_line(about, field) for about in SUBJECTS for field in about.fields]
    return "\n".join([COUNCILS, *lines, "", OPERATORS])


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, of_councils()]
    for settings in classes():
        title = (settings.__doc__ or "").partition("\n")[0]
        own = {Settings: "The installation", LimitSettings: "Limits", StaffSettings: "News for staff"}
        heading = own.get(settings, f"Provider `{prefix_of(settings)}`")
        lines = [
            f"| `{row.name}` | {row.default} | {found_at(row.name)} | {row.description} |" for row in rows(settings)
        ]
        head = ["| variable | default | where it is found | meaning |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {heading}", "", title, "", *head, *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    NAMES.write_text(names())
    sys.stdout.write(page())
