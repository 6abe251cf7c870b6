"""Streets, places and other things with a name, as OS Open Names lists them, within reach of the councils here."""

from datetime import datetime

from sqlalchemy import ARRAY, Column, String
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column


class NamedPlace(SQLModel, table=True):
    """One name of one street or place. Metres in EPSG:27700; `west` to `north` is the box that it fills.

    `key` is the name as it is searched (lower case, plain letters), `parts` its groups of three letters. A thing with
    a name in Welsh or Gaelic too has a row for each.
    """

    __tablename__ = "named_place"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    key: str
    kind: str
    near: str
    easting: int
    northing: int
    west: int
    south: int
    east: int
    north: int
    parts: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))


class NamedPlaceEdition(SQLModel, table=True):
    """The product that the names came from, and the credit that its licence asks for. There is one row at most."""

    __tablename__ = "named_place_edition"

    id: int = Field(default=1, primary_key=True)
    product: str
    version: str
    attribution: str
    row_count: int
    loaded_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
