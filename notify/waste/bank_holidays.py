"""Bank holidays of the nations, as gov.uk publishes them: a holiday on a weekend is its substitute day alone."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache

from holidays import country_holidays

SATURDAY = 5


class Nation(StrEnum):
    """Whose bank holidays a council goes by."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern-ireland"


_SUBDIVISION: Mapping[Nation, str] = {
    Nation.ENGLAND: "ENG",
    Nation.WALES: "WLS",
    Nation.SCOTLAND: "SCT",
    Nation.NORTHERN_IRELAND: "NIR",
}


@cache
def bank_holidays(nation: Nation, year: int) -> Mapping[date, str]:
    """The bank holidays of this year with their English names."""
    found = country_holidays("GB", subdiv=_SUBDIVISION[nation], years=year)
    return {day: name for day, name in sorted(found.items()) if day.weekday() < SATURDAY}
