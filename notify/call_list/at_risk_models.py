"""People at risk beside an emergency: the assessment, the list, its sealed rows and the key that opens them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import Input, moment_column, new_id


class AtRiskAssessment(SQLModel, table=True):
    """The data protection impact assessment that a council did before its first list, and whether lists are on."""

    __tablename__ = "at_risk_assessment"

    council_id: UUID = Field(foreign_key="council.id", primary_key=True)
    is_on: bool
    done_on: date
    reference: str
    person: str
    noted_by: str
    noted_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())


class AtRiskList(SQLModel, table=True):
    """The list of one emergency. After `destroyed_at` there is no key and no row of it."""

    __tablename__ = "at_risk_list"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    council_id: UUID = Field(foreign_key="council.id")
    alert_id: UUID = Field(foreign_key="alert.id", unique=True)
    people: int
    uploaded_by: str
    uploaded_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
    destroyed_at: datetime | None = Field(default=None, sa_column=moment_column(nullable=True))


class AtRiskPerson(SQLModel, table=True):
    """One row of a list, sealed with the list's own key: nothing about the person stands open."""

    __tablename__ = "at_risk_person"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    list_id: UUID = Field(foreign_key="at_risk_list.id")
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AtRiskKey(SQLModel, table=True):
    """The key of a list, sealed with the installation's. The table is unlogged, so that no base backup has it."""

    __tablename__ = "at_risk_key"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    list_id: UUID = Field(primary_key=True)
    sealed_key: str


class NewAssessment(Input):
    """What is asked before the first list: when the assessment was done, where it is kept, and who is responsible."""

    is_on: bool = Field(default=True, description="Whether lists may be uploaded. Off until this is said.")
    done_on: date
    reference: str = Field(min_length=3, max_length=120, description="Of the assessment in your records.")
    person: str = Field(min_length=3, max_length=120, description="Who is responsible for it.")
