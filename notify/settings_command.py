"""`notify settings`: what is in force, and where it was given."""

import re
from collections.abc import Iterator

import click

from notify.core.errors import NotifyError
from notify.core.limit_settings import LimitSettings
from notify.core.setting_errors import unknown
from notify.core.setting_sources import SettingsOfOurs, given
from notify.core.settings import Settings
from notify.providers import registry
from notify.staff.notification_channels import StaffSettings
from notify.staff.sign_in.oidc import OidcSettings
from notify.subscribers.suppression.bounce_models import BounceSettings

SECRET = re.compile(r"(KEY|SECRET|TOKEN|TOKENS|PASSWORD|URLS|SID|CERTIFICATE)$")
OF_A_USER = re.compile(r"(?<=://).*@")
IN_QUERY = re.compile(r"(://[^?]*\?).+")
DEFAULT = "default"


@click.command("settings")
@click.option("--all", "show_all", is_flag=True, help="Also what has its default.")
def settings_command(show_all: bool) -> None:
    """Print every setting that is in force and where it was given, without secrets.

    Only what was set, unless --all asks for everything. Providers' settings are shown where the settings name them.
    """
    sources = given()
    for kind in _kinds():
        prefix, chosen = str(kind.model_config.get("env_prefix", "")), kind()
        for field in kind.model_fields:
            name = f"{prefix}{field}".upper()
            where = sources[name].where if name in sources else DEFAULT
            if show_all or where != DEFAULT:
                click.echo(f"{name}={shown(name, getattr(chosen, field))}    # {where}")
    for sentence in unknown():
        click.echo(f"✗ {sentence}")


def _kinds() -> Iterator[type[SettingsOfOurs]]:
    """The classes of settings that this installation uses."""
    always = (Settings, LimitSettings, OidcSettings, StaffSettings, BounceSettings)
    yield from always
    try:
        modules = {type(provider).__module__ for provider in registry.named()}
    except NotifyError as error:
        click.echo(f"✗ {error.detail}")
        return
    for kind in SettingsOfOurs.__subclasses__():
        if kind.__module__ in modules and kind not in always:
            yield kind


def shown(name: str, value: object) -> str:
    """The value as it may be read by anyone: secrets are only said to be set."""
    if value is None or value == "":
        return ""
    if SECRET.search(name):
        return "(set)"
    # an address is cut by hand: a password may hold what no parser expects in one, and stand behind the `?`
    return IN_QUERY.sub(r"\1(hidden)", OF_A_USER.sub("(hidden)@", str(value)))
