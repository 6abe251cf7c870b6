"""One frozen settings object, read once from NOTIFY_* variables. Each is documented in docs/settings.md."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

import phonenumbers
from babel import localedata
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from notify import languages
from notify.channels import PROVIDERS_SETTINGS, info
from notify.core.base_url import require_https
from notify.core.setting_sources import SettingsOfOurs
from notify.core.setting_values import (
    ADDRESS,
    COLOUR,
    DEAREST_PENCE,
    FILE_PROVIDER,
    LEAST_CONTRAST,
    LEAST_KEY,
    SCHEMES,
    Choice,
    choices,
    contrast_with_white,
    days,
    figures,
    names,
    shares_are_whole,
)

P = ParamSpec("P")
T = TypeVar("T")

_remembered: list[Callable[[], None]] = []


def once_a_process(make: Callable[P, T]) -> Callable[P, T]:
    """Remember what `make` returns for the life of the process, or until `reread`."""
    cached = cache(make)
    _remembered.append(cached.cache_clear)
    return cast(Callable[P, T], cached)


def reread() -> None:
    """Forget everything that was made from the settings, so that the environment is read again."""
    for forget in _remembered:
        forget()


class Settings(SettingsOfOurs):
    """Everything an installation can choose, apart from each provider's own prefix."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_", frozen=True, extra="ignore")

    database_url: str | None = Field(
        None, description="PostgreSQL 18 or later, as postgresql://…; unset starts the embedded server."
    )
    redis_url: str | None = Field(
        None, description="Redis or Valkey, as redis://… or unix://…; unset starts the embedded server."
    )
    data_dir: Path = Field(Path(".notify"), description="Where the embedded servers and development files live.")
    base_url: str = Field(
        "http://127.0.0.1:8000", description="The address residents see in links, without a trailing slash."
    )
    secret_key: str | None = Field(
        None,
        description="At least 32 random characters that sign links. Required with NOTIFY_DATABASE_URL; "
        "generated once for the embedded servers.",
    )

    @field_validator("database_url", "redis_url", "flood_feed", "flood_areas", "map_tiles_url")
    @classmethod
    def _addresses_have_their_form(cls, value: str | None, about: ValidationInfo) -> str | None:
        schemes = SCHEMES[about.field_name or ""]
        if value and urlsplit(value).scheme not in schemes:
            raise ValueError(f"the address must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    @field_validator("locale_dir")
    @classmethod
    def _catalogues_can_be_read(cls, value: Path | None) -> Path | None:
        if value and (found := languages.faults_of(value)):
            raise ValueError("; ".join(found[:3]))
        return value

    @field_validator("secret_key")
    @classmethod
    def _key_is_long_enough(cls, value: str | None) -> str | None:
        if value is not None and len(value) < LEAST_KEY:
            raise ValueError(f"it has {len(value)} characters: give at least {LEAST_KEY} random ones")
        return value

    @field_validator("sender_address")
    @classmethod
    def _sender_is_an_address(cls, value: str) -> str:
        if not ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is not an email address like alerts@example.org")
        return value

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_sent_to_a_file_in_production(cls, given: dict[str, object]) -> dict[str, object]:
        if not str(given.get("base_url", "")).startswith("https://"):
            return given
        for name in PROVIDERS_SETTINGS:
            if FILE_PROVIDER in (choice.partition(":")[0] for choice in names(str(given.get(name, "")))):
                raise ValueError(
                    f"NOTIFY_{name.upper()} names `file`, which sends nothing, while NOTIFY_BASE_URL is https: name a "
                    "real provider, or leave it empty and nobody gets texts"
                )
        return {"sms_providers": "", **given}

    email_providers: str = Field(
        "smtp",
        description="Email adapters in order of preference, separated by commas. "
        "With shares, as in `ses:80,smtp:20`, each comes first for its part of the batches.",
    )
    sms_providers: str = Field(
        "file",
        description="SMS adapters in order of preference, separated by commas. While NOTIFY_BASE_URL is https, `file` "
        "is refused, and unset means that nobody gets texts.",
    )
    webhook_providers: str = Field(
        "webhook", description="Webhook adapters in order of preference, separated by commas."
    )
    voice_providers: str = Field("", description="Voice adapters in order of preference. Empty: nobody is called.")
    emergency_email_providers: str = Field("", description="The same for emergencies. Empty: as for everything.")
    emergency_sms_providers: str = Field("", description="The same for emergencies. Empty: as for everything.")
    emergency_voice_providers: str = Field("", description="The same for emergencies. Empty: as for everything.")
    provider_rates: str = Field(
        "",
        description="Messages a second that all processes together may hand each provider, say `smtp=500,twilio=20`; "
        "a provider that is not named has no limit. A fifth of it is kept for emergencies.",
    )
    provider_prices: str = Field(
        "",
        description="What each provider takes, in pence, for a message or for one part of a text: "
        "`twilio-sms=4.1,govuk-sms=2.4`. A provider that is not named costs nothing that is counted.",
    )
    provider_rate_share: float = Field(
        4,
        ge=1,
        description="While Redis is away each process keeps to its provider's rate divided by this, and those of the "
        "emergency lane to half the rate.",
    )
    sender_name: str = Field("", description="Name before the sender's address; empty: the council's name.")
    sender_address: str = Field("alerts@example.org", description="The From address of every e-mail.")
    batch_size: int = Field(500, ge=1, le=5000, description="How many deliveries one job claims and sends.")
    lease_seconds: int = Field(20, ge=5, description="How long a worker may hold a batch before others take it over.")
    database_pool: int = Field(10, ge=2, description="Database connections each process keeps at most.")
    emergency_workers: int = Field(2, ge=0, description="Worker processes of the emergency lane here.")
    transactional_workers: int = Field(1, ge=0, description="Worker processes of the transactional lane here.")
    routine_workers: int = Field(2, ge=0, description="Worker processes of the routine lane here.")
    worker_threads: int = Field(4, ge=1, description="Batches that one worker process sends at the same time.")
    brake_percent: float = Field(
        4, gt=0, le=100, description="A routine alert is put on hold once so many percent of it were refused for good."
    )
    brake_after: int = Field(200, ge=1, description="The brake looks at no alert before so many were sent.")
    hold_after_failover: bool = Field(
        True,
        description="Hold everything when the database comes back on another timeline, as a restored copy does. "
        "Switch it off only where a synchronous standby takes over.",
    )
    pre_election: str = Field(
        "",
        description="First and last day of the sensitive time before an election, as in `2027-03-22/2027-05-06`: those "
        "who write alerts are reminded of it.",
    )
    further_languages: str = Field(
        "",
        description="Languages beside English and Welsh that your alerts are translated to, by code, as in `pl,ur`: "
        "residents may choose them.",
    )
    theme_name: str = Field("", description="Name at the top of every page; empty: “Council alerts”.")
    theme_colour: str = Field(
        "#1d4b5c",
        description="Colour of the band at the top of every page, dark enough for white words (4.5 to 1).",
    )
    theme_logo: Path | None = Field(
        None, description="An SVG or PNG file of at most 20 kB that is shown beside the name; unset: none."
    )
    sign_in_links: bool | None = Field(
        None,
        description="Whether officers may sign in with a link from `notify officer link`, without a second factor. "
        "Unset: only while NOTIFY_BASE_URL is not https.",
    )
    cap_key: Path | None = Field(
        None, description="A PEM file with the RSA or EC key that signs CAP messages; unset: they are not signed."
    )
    cap_certificate: Path | None = Field(
        None, description="A PEM file with the certificate of that key, and those of its issuers after it."
    )
    flood_feed: str = Field(
        "",
        description="Address of a feed of flood warnings that become drafts: the Environment Agency's "
        "`/flood-monitoring/id/floods` or an FWIS feed. Empty: none is read.",
    )
    flood_areas: str = Field(
        "",
        description="Address of a warning's GeoJSON outline, with `{code}` for its area's code, where the feed itself "
        "names none. Empty: such warnings make drafts only round the point that the feed gives.",
    )
    flood_topic: str = Field(
        "", description="Short name of the topic of flood warnings. Empty: each council's topic for emergencies."
    )
    collections_folder: Path | None = Field(
        None,
        description="A folder with one for each council, named by its short name, that files of collection days are "
        "read from. Unset: they come from web addresses only.",
    )
    collections_allowed_hosts: str = Field(
        "",
        description="Hosts and networks (`rounds.example.org, 10.20.0.0/16`), separated by commas, that files of "
        "collection days may be fetched from though they have private addresses or plain http. Every council of the "
        "installation can read what they answer.",
    )
    locale_dir: Path | None = Field(
        None,
        description="A folder with further languages for pages, as `pl/LC_MESSAGES/notify.po` (docs/how-to).",
    )
    map_tiles_url: str = Field(
        "",
        description="Address of map pictures instead of the base map of `notify basemap load`, with `{z}`, `{x}` and "
        "`{y}`: the OS Maps API's, with its key. The browsers of staff then ask that host. Empty: nothing is asked.",
    )
    map_tiles_attribution: str = Field("", description="The credit that the licence of these pictures asks for.")
    retention_days: int = Field(
        30,
        ge=7,
        le=90,
        description="How many days after an alert's last activity it can still be said who got it. Figures stay.",
    )
    metrics_token: str = Field(
        "", description="What `/metrics` asks for, as `Authorization: Bearer …`. Empty: it answers this machine only."
    )
    trusted_proxies: str = Field(
        "", description="Networks whose X-Forwarded-For is believed, separated by commas. Empty: none."
    )

    @field_validator(*PROVIDERS_SETTINGS)
    @classmethod
    def _choices_can_be_read(cls, value: str) -> str:
        if not shares_are_whole(choices(value)):
            raise ValueError("give each provider a share above 0, as in twilio-sms:80,govuk-sms:20, or none of them")
        return value

    network_limits: float = Field(
        1,
        ge=0,
        description="How often one network may sign up, ask for links or try codes: 2 is twice as often as usual, 0 is "
        "no limit. Behind a proxy set NOTIFY_TRUSTED_PROXIES too, or all visitors count as one.",
    )
    adjacent_numbers: int = Field(
        10,
        ge=1,
        description="How many texts a block of a hundred numbers may be sent for strangers in an hour. More is how "
        "fraud with texts looks.",
    )
    service_texts_per_day: int = Field(
        5000, ge=0, description="Texts a day with codes and links for residents. Alerts are not counted."
    )

    phone_countries: str = Field(
        "GB",
        description="Countries whose telephone numbers residents may give, as in `GB,IE`. Texts abroad cost many times "
        "as much, and fraud with texts begins there.",
    )

    @field_validator("phone_countries")
    @classmethod
    def _countries_have_numbers(cls, value: str) -> str:
        wrong = [name for name in names(value) if name not in phonenumbers.SUPPORTED_REGIONS]
        if wrong or not value:
            raise ValueError(f"{', '.join(wrong)!r}: name countries by their two letters, as in GB,IE")
        return value

    @cached_property
    def phone_codes(self) -> frozenset[int]:
        """What numbers of these countries begin with: 44 for GB, and so for Jersey, Guernsey and Man."""
        return frozenset(phonenumbers.country_code_for_region(name) for name in names(self.phone_countries))

    @field_validator("trusted_proxies", "collections_allowed_hosts")
    @classmethod
    def _networks_are_networks(cls, value: str, about: ValidationInfo) -> str:
        for name in names(value):
            if about.field_name == "collections_allowed_hosts" and "/" not in name:
                continue  # a host
            try:
                ip_network(name)
            except ValueError as error:
                raise ValueError(f"{error}: name addresses and networks, as in 10.0.0.0/8, 192.0.2.7") from None
        return value

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks whose X-Forwarded-For is believed."""
        return tuple(ip_network(name) for name in names(self.trusted_proxies))

    _reached_by_https = field_validator("base_url")(require_https)

    @field_validator("theme_colour")
    @classmethod
    def _white_can_be_read_on_it(cls, value: str) -> str:
        if not COLOUR.fullmatch(value):
            raise ValueError(f"{value!r} is not a colour like #1d4b5c")
        contrast = contrast_with_white(value)
        if contrast < LEAST_CONTRAST:
            raise ValueError(
                f"white words on {value} have a contrast of {contrast:.1f} to 1; residents need {LEAST_CONTRAST}: "
                "choose a darker colour"
            )
        return value

    @field_validator("pre_election")
    @classmethod
    def _days_can_be_read(cls, value: str) -> str:
        days(value)
        return value

    @field_validator("further_languages")
    @classmethod
    def _languages_are_codes(cls, value: str) -> str:
        for code in names(value):
            if not localedata.exists(code) or not re.fullmatch("[a-z]{2,3}", code):
                raise ValueError(f"{code} is no code of a language, such as pl")
        return value

    @field_validator("provider_rates")
    @classmethod
    def _rates_can_be_read(cls, value: str) -> str:
        if not all(figures(value, "rate").values()):
            raise ValueError("a rate is more than 0 messages a second")
        return value

    @field_validator("provider_prices")
    @classmethod
    def _prices_can_be_read(cls, value: str) -> str:
        if any(pence > DEAREST_PENCE for pence in figures(value, "price").values()):
            raise ValueError(f"a price is at most {DEAREST_PENCE} pence")
        return value

    def provider_rate(self, name: str) -> float | None:
        """How many messages a second this provider may be handed; None: as many as it takes."""
        return figures(self.provider_rates, "rate").get(name)

    def providers_with_figures(self) -> Mapping[str, set[str]]:
        """The names of providers that a rate or a price is set for, by setting."""
        return {
            "NOTIFY_PROVIDER_RATES": set(figures(self.provider_rates, "rate")),
            "NOTIFY_PROVIDER_PRICES": set(figures(self.provider_prices, "price")),
        }

    @cached_property
    def prices(self) -> Mapping[str, int]:
        """What each provider takes for a message, or for one part of a text, in thousandths of a penny."""
        return {name: round(1000 * pence) for name, pence in figures(self.provider_prices, "price").items()}

    @property
    def further(self) -> tuple[str, ...]:
        """The codes of the languages beside our pages' own that alerts are translated to."""
        return names(self.further_languages)

    @property
    def election(self) -> tuple[date, date] | None:
        """The first and last day of the sensitive time before an election; None where none is set."""
        return days(self.pre_election)

    @property
    def is_secure(self) -> bool:
        """Whether residents reach us by https; development on the loopback does not."""
        return self.base_url.startswith("https://")

    @property
    def links_sign_in(self) -> bool:
        """Whether officers may sign in with a link that the command line printed."""
        return not self.is_secure if self.sign_in_links is None else self.sign_in_links

    def cookie_name(self, name: str) -> str:
        """A cookie's full name: bound to this very host wherever https allows it."""
        return f"__Host-{name}" if self.is_secure else name

    def providers_for(self, channel: str, *, emergency: bool = False) -> tuple["Choice", ...]:
        """The adapters for a channel in order of preference, each with its share of the messages, if one is set."""
        about = info(channel)
        urgent = str(getattr(self, about.emergency_setting)) if emergency and about.emergency_setting else ""
        return choices(urgent or str(getattr(self, about.providers_setting)))


@once_a_process
def settings() -> Settings:
    """The settings of this process, read from the environment at the first call."""
    languages.look_in((made := Settings()).locale_dir)
    return made
