"""How much one caller may ask for: settings of their own, so that what they mean can be read in one place."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import once_a_process


class LimitSettings(SettingsOfOurs):
    """What a key, an officer or a network may ask for, beside NOTIFY_NETWORK_LIMITS for strangers."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_LIMIT_", frozen=True, extra="ignore")

    api_per_minute: int = Field(
        3000,
        ge=0,
        description="Requests to the API that one key, session or unknown network may send a minute, all of them at "
        "once if it likes; answers say in `RateLimit` what is left. 0 is no limit.",
    )
    counts_per_hour: int = Field(
        60, ge=1, description="Different audiences that one person may count in an hour, by page and API together."
    )
    residents_per_day: int = Field(
        20_000,
        ge=50,
        description="Subscribers that one person or key may read in a day, and twice as many in answers that "
        "hold fewer than 50. Administrators get an email when somebody has read half of it.",
    )


@once_a_process
def limit_settings() -> LimitSettings:
    """The settings of this process."""
    return LimitSettings()
