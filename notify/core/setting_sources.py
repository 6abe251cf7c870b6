"""Where a setting is read: the environment, a file that `NOTIFY_…_FILE` names, or a folder of secrets.

`NOTIFY_SMTP_PASSWORD_FILE=/run/secrets/smtp` reads the password from that file, as Docker and systemd send
secrets. `NOTIFY_SECRETS_DIR=/run/secrets` reads every file there whose name is a setting's, such as
`notify_smtp_password`. The environment comes first. A value of a file is read without the line end that follows it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from notify.core.errors import SetUpError

PREFIX = "NOTIFY_"
FILE = "_FILE"
SECRETS_DIR = "NOTIFY_SECRETS_DIR"
MOST_BYTES = 100_000
ENVIRONMENT = "environment"


class SettingNotReadable(SetUpError):
    """A setting names a file or folder that cannot be read."""

    title = "The settings (NOTIFY_…) cannot be used"


@dataclass(frozen=True, slots=True)
class Given:
    """What was given for a setting, and where: `environment`, or the path of a file."""

    value: str
    where: str


def given() -> Mapping[str, Given]:
    """Everything that is given, by the setting's name in upper case. Raises: SettingNotReadable."""
    environment = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    found = _in_folder(environment.pop(SECRETS_DIR, ""))
    for name in [name for name in environment if name.endswith(FILE) and name != "NOTIFY_FILE"]:
        setting = name.removesuffix(FILE)
        if setting in environment:
            raise SettingNotReadable(f"{setting} and {name} are both set: keep one of them.")
        found[setting] = Given(_words_of(Path(environment.pop(name)), name), name)
    return found | {name: Given(value, ENVIRONMENT) for name, value in environment.items()}


def _in_folder(folder: str) -> dict[str, Given]:
    if not folder:
        return {}
    if not Path(folder).is_dir():
        raise SettingNotReadable(f"{SECRETS_DIR} names {folder!r}, which is no folder: correct it.")
    files = [path for path in sorted(Path(folder).iterdir()) if path.name.upper().startswith(PREFIX) and path.is_file()]
    return {path.name.upper(): Given(_words_of(path, SECRETS_DIR), str(path)) for path in files}


def _words_of(path: Path, named_by: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingNotReadable(
            f"{named_by}: {path} cannot be read ({why}). Correct the path or its rights."
        ) from None


class _Everywhere(EnvSettingsSource):
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): one.value for name, one in given().items()}


class SettingsOfOurs(BaseSettings):
    """The base of every class of settings."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is passed when one is made, then what is given anywhere."""
        return (init_settings, _Everywhere(settings_cls))
