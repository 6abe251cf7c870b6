"""A council's own settings and images as they are stored, and what may be changed of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, StringConstraints, field_validator, model_validator
from sqlalchemy import Column, LargeBinary, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, state_column
from notify.core.typed_text import Typed, TypedDay
from notify.staff.council_settings import values

MOST_PERIODS = 20
MOST_LANGUAGES = 30
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class ImageKind(StrEnum):
    """Which image it is."""

    LOGO = "logo"
    ICON = "icon"


class OwnSettings(SQLModel, table=True):
    """What a council has chosen; None: as the installation has it. `logo` and `icon` name the image's version.

    `domain` and `path` are where its pages are, which the installation's operator says. `digest_day` is 1 for Monday.
    """

    __tablename__ = "council_settings"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    name_cy: str | None = None
    short_name: str | None = None
    colour: str | None = None
    button_colour: str | None = None
    logo: str | None = None
    icon: str | None = None
    contact_page: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    data_protection_page: str | None = None
    data_protection_email: str | None = None
    sender_name: str | None = None
    sender_address: str | None = Field(default=None, unique=True)
    reply_to: str | None = None
    sms_sender: str | None = None
    domain: str | None = Field(default=None, unique=True)
    path: str | None = Field(default=None, unique=True)
    languages: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    digest_time: time | None = Field(default=None, sa_column=Column(Time))
    digest_day: int | None = None
    retention_days: int | None = None
    pre_election: list[list[str]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    providers: dict[str, str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class CouncilImage(SQLModel, table=True):
    """A council's logo or icon, made safe when it was uploaded."""

    __tablename__ = "council_image"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    kind: ImageKind = Field(sa_column=state_column(ImageKind, primary_key=True))
    media_type: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Period(BaseModel):
    """The first and the last day of a time before an election."""

    model_config = {"extra": "forbid"}

    first_day: TypedDay
    last_day: TypedDay

    @model_validator(mode="after")
    def _in_order(self) -> "Period":
        if self.last_day < self.first_day:
            raise ValueError("Enter a last day that is not before the first.")
        return self

    @classmethod
    def of(cls, days: tuple[date, date]) -> "Period":
        """The period between these days."""
        return cls(first_day=days[0], last_day=days[1])


def _text(longest: int, description: str, *, shortest: int = 1) -> Any:  # noqa: ANN401  as pydantic's own Field
    return Field(default=None, min_length=shortest, max_length=longest, description=description)


class SettingsChange(Input):
    """What changes about a council. What is left out stays; null goes back to what the installation has."""

    name_cy: str | None = _text(100, "The council's name in Welsh.")
    short_name: str | None = _text(
        20, "What texts begin with, where the name takes too much room. At least 2 characters.", shortest=2
    )
    colour: Typed | None = Field(default=None, description="Of the band at the top, like `#1d4b5c`: white words on it.")
    button_colour: Typed | None = Field(default=None, description="Of buttons, with white words on it.")
    contact_page: Typed | None = Field(default=None, description="An https address residents can turn to.")
    contact_phone: Typed | None = Field(default=None, description="A telephone number residents can call.")
    contact_email: Typed | None = Field(default=None, description="An email address residents can write to.")
    data_protection_page: Typed | None = Field(default=None, description="The council's privacy notice.")
    data_protection_email: Typed | None = Field(default=None, description="The data protection officer's address.")
    sender_name: str | None = _text(60, "Name before the sender's address; null: the council's name.")
    sender_address: Typed | None = Field(default=None, description="The From address of emails. No other council's.")
    reply_to: Typed | None = Field(default=None, description="Where answers to emails go; null: to the sender.")
    sms_sender: Typed | None = Field(
        default=None, description="Who texts come from: a name of 3 to 11 letters or digits, a number, or a GOV.UK id."
    )
    languages: list[str] | None = Field(
        default=None, max_length=MOST_LANGUAGES, description="Beside English and Welsh, by code, such as `pl`."
    )
    digest_time: ClockTime | None = Field(default=None, description="UK time of digests, such as `17:00`.")
    digest_day: int | None = Field(default=None, ge=1, le=7, description="Of weekly digests; 1 is Monday.")
    retention_days: int | None = Field(default=None, ge=7, le=90, description="How long it is kept who got an alert.")
    pre_election: list[Period] | None = Field(default=None, max_length=MOST_PERIODS)
    providers: dict[str, str] | None = Field(
        default=None,
        description="Providers in order, with shares if any, by setting: "
        '`{"email_providers": "ses:80,smtp:20"}`. Only those that the installation has set up.',
    )

    @field_validator("colour", "button_colour")
    @classmethod
    def _white_can_be_read(cls, value: str | None) -> str | None:
        return values.colour(value) if value else value

    @field_validator("contact_page", "data_protection_page")
    @classmethod
    def _is_page(cls, value: str | None) -> str | None:
        return values.page_address(value) if value else None

    @field_validator("contact_email", "data_protection_email", "sender_address", "reply_to")
    @classmethod
    def _is_email(cls, value: str | None) -> str | None:
        return values.email_address(value) if value else None

    @field_validator("contact_phone")
    @classmethod
    def _is_phone(cls, value: str | None) -> str | None:
        return values.phone(value) if value else None

    @field_validator("sms_sender")
    @classmethod
    def _sends_texts(cls, value: str | None) -> str | None:
        return values.sms_sender(value) if value else None

    @field_validator("languages")
    @classmethod
    def _are_languages(cls, value: Sequence[str] | None) -> Sequence[str] | None:
        return values.languages(value) if value is not None else None

    @field_validator("providers")
    @classmethod
    def _are_offered(cls, value: Mapping[str, str] | None) -> Mapping[str, str] | None:
        return values.providers(value) if value is not None else None

    @field_validator("name_cy", "short_name", "sender_name")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        return " ".join(value.split()) or None if value else None

    def stored(self) -> dict[str, object]:
        """What is given, by column, as the table holds it."""
        given = self.model_dump(exclude_unset=True)
        if self.digest_time is not None:
            given["digest_time"] = time.fromisoformat(self.digest_time)
        if self.pre_election is not None:
            given["pre_election"] = [[f"{one.first_day}", f"{one.last_day}"] for one in self.pre_election]
        return given
