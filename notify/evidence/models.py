"""What councils say themselves in answers to requests."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from notify.core import clock
from notify.core.db import moment_column


class FoiStatement(SQLModel, table=True):
    """What a council states to a question, by CA440's number, beside what the platform measured."""

    __tablename__ = "foi_statement"

    council_id: UUID = Field(primary_key=True, foreign_key="council.id", ondelete="CASCADE")
    number: str = Field(primary_key=True)
    words: str
    actor: str
    changed_at: datetime = Field(default_factory=clock.now, sa_column=moment_column())
