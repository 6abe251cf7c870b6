"""What holds for a council: its own settings, and the installation's where it has none. Everything else asks here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from notify.channels import info
from notify.core.setting_values import Choice, choices
from notify.core.settings import settings
from notify.languages import spoken
from notify.staff.council_settings import values
from notify.staff.council_settings.models import OwnSettings
from notify.staff.models import Council

USUAL_DIGEST = (time(17), 5)  # on Fridays, where they are weekly; the function digest_due has the same
USUAL_BUTTON = "#0b6b3f"


class Contact(NamedTuple):
    """Where residents turn to: each may be empty."""

    page: str = ""
    phone: str = ""
    email: str = ""


NOWHERE = Contact()


@dataclass(frozen=True, slots=True)
class CouncilSettings:
    """Everything that holds for one council. `slug` is empty for the installation itself, which is no council.

    `logo` and `icon` are versions of its images; empty where it has none. `sms_sender` is empty where the provider's
    own sender is used. `order` has orders of providers by setting; those that are missing are the installation's.
    """

    slug: str = ""
    name: str = ""
    name_cy: str = ""
    short_name: str = ""
    colour: str = ""
    button_colour: str = USUAL_BUTTON
    logo: str = ""
    logo_type: str = ""
    icon: str = ""
    contact: Contact = NOWHERE
    data_protection: Contact = NOWHERE
    sender_name: str = ""
    sender_address: str = ""
    reply_to: str = ""
    sms_sender: str = ""
    domain: str = ""
    path: str = ""
    languages: Sequence[str] = ()
    digest_time: time = USUAL_DIGEST[0]
    digest_day: int = USUAL_DIGEST[1]
    retention_days: int = 0
    pre_election: Sequence[tuple[date, date]] = ()
    order: Mapping[str, str] = field(default_factory=dict)
    closed_at: datetime | None = None

    def name_in(self, language: str) -> str:
        """The council's name in this language."""
        return self.name_cy or self.name if language == "cy" else self.name

    @property
    def spoken_name(self) -> str:
        """The same in the language that is spoken."""
        return self.name_in(spoken())

    def name_in_text(self, language: str) -> str:
        """What a text message begins with: the short name, where there is one."""
        return self.short_name or self.name_in(language)

    def from_name(self, language: str) -> str:
        """The name before the address that emails come from."""
        return self.sender_name or self.name_in(language)

    @property
    def sender_host(self) -> str:
        """The domain that emails come from."""
        return self.sender_address.rpartition("@")[2]

    @property
    def list_host(self) -> str:
        """What a `List-Id` of this council ends in, so that no two councils share one."""
        return f"{self.slug}.{self.sender_host}" if self.slug else self.sender_host

    @property
    def base_url(self) -> str:
        """Where residents find this council's pages, without a slash at the end."""
        if self.domain:
            return f"https://{self.domain}"
        return settings().base_url + (f"/{self.path}" if self.path else "")

    @property
    def email_logo_url(self) -> str:
        """Where emails load the logo; empty where there is none that they can show."""
        return f"{settings().base_url}/theme/{self.slug}/logo?v={self.logo}" if self.logo_type == "png" else ""

    @property
    def text_takes_replies(self) -> bool:
        """Whether texts may come from a number, as far as the council's own sender says."""
        return not self.sms_sender or values.takes_replies(self.sms_sender)

    def election_on(self, day: date) -> tuple[date, date] | None:
        """The time before an election that this day lies in."""
        return next((one for one in self.pre_election if one[0] <= day <= one[1]), None)

    def providers_for(self, channel: str, *, emergency: bool = False) -> Sequence[Choice]:
        """The providers of a channel in this council's order; what is no longer set up here is left out."""
        about = info(channel)
        wanted = self._own(about.emergency_setting) if emergency else ()
        if emergency and not wanted and about.emergency_setting and getattr(settings(), about.emergency_setting):
            return settings().providers_for(channel, emergency=True)
        return wanted or self._own(about.providers_setting) or settings().providers_for(channel, emergency=emergency)

    def _own(self, setting: str) -> Sequence[Choice]:
        order = self.order.get(setting, "")
        return [one for one in choices(order) if one.name in values.offered(setting)] if order else ()


def installation_settings(name: str = "") -> CouncilSettings:
    """What holds where no council is meant, or for one of this name that has chosen nothing."""
    usual = settings()
    return CouncilSettings(
        name=name,
        colour=usual.theme_colour,
        sender_name=usual.sender_name,
        sender_address=usual.sender_address,
        languages=usual.further,
        retention_days=usual.retention_days,
        pre_election=[usual.election] if usual.election else [],
    )


def council_settings(session: Session, council_id: UUID) -> CouncilSettings:
    """What holds for this council, which must exist."""
    rows = settings_of(session, [council_id])
    return rows[council_id]


def settings_of(session: Session, council_ids: Sequence[UUID]) -> Mapping[UUID, CouncilSettings]:
    """The same for several, in one query."""
    statement = select(Council, OwnSettings).outerjoin(OwnSettings, col(OwnSettings.council_id) == col(Council.id))
    found = session.exec(statement.where(col(Council.id).in_(council_ids))).all()
    return {council.id: effective(council, own) for council, own in found}


def spoken_names(session: Session, council_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What these councils are called in the language that is spoken."""
    return {key: own.spoken_name for key, own in settings_of(session, list(set(council_ids))).items()}


def effective(council: Council, own: OwnSettings | None) -> CouncilSettings:
    """What holds for a council that has chosen this."""
    usual = installation_settings()
    own = own or OwnSettings(council_id=council.id)
    periods = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in own.pre_election or ()]
    return CouncilSettings(
        slug=council.slug,
        name=council.name,
        name_cy=own.name_cy or "",
        short_name=own.short_name or "",
        colour=own.colour or usual.colour,
        button_colour=own.button_colour or usual.button_colour,
        logo=own.logo or "",
        logo_type=(own.logo or "").rpartition("-")[2],
        icon=own.icon or "",
        contact=Contact(own.contact_page or "", own.contact_phone or "", own.contact_email or ""),
        data_protection=Contact(own.data_protection_page or "", "", own.data_protection_email or ""),
        sender_name=own.sender_name or usual.sender_name,
        sender_address=own.sender_address or usual.sender_address,
        reply_to=own.reply_to or "",
        sms_sender=own.sms_sender or "",
        domain=own.domain or "",
        path=own.path or "",
        languages=usual.languages if own.languages is None else own.languages,
        digest_time=own.digest_time or usual.digest_time,
        digest_day=own.digest_day or usual.digest_day,
        retention_days=own.retention_days or usual.retention_days,
        pre_election=usual.pre_election if own.pre_election is None else periods,
        order=own.providers or {},
        closed_at=council.closed_at,
    )
