"""Alembic's door: runs the migrations over one connection given by `notify.migrations.run`."""

from alembic import context

from notify.alerts import models as _alerts  # noqa: F401 - every table must be known
from notify.analytics import models as _analytics  # noqa: F401
from notify.cap import models as _cap  # noqa: F401
from notify.composing import models as _composing  # noqa: F401
from notify.deliveries import models as _deliveries  # noqa: F401
from notify.evidence import models as _evidence  # noqa: F401
from notify.exports import models as _exports  # noqa: F401
from notify.migrations import HIDDEN_TABLES, METADATA
from notify.notices import models as _notices  # noqa: F401
from notify.performance import models as _performance  # noqa: F401
from notify.places import models as _places  # noqa: F401
from notify.staff import models as _staff  # noqa: F401
from notify.subscribers import models as _subscribers  # noqa: F401
from notify.tracking import models as _tracking  # noqa: F401


def _include(_object: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and name and HIDDEN_TABLES.match(name))


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, include_object=_include)
with context.begin_transaction():
    context.run_migrations()
