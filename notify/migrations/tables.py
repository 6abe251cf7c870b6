"""Every table of the database. Importing this module declares all of them in `SQLModel.metadata`.

The migrations, the full extract and the data dictionary read that metadata, so a process that imports some features
only would leave out the tables of the others.
"""

from notify.alerts import models as _alerts  # noqa: F401
from notify.alerts.incidents import models as _incidents  # noqa: F401
from notify.call_list import at_risk_models as _at_risk  # noqa: F401
from notify.call_list import models as _call_list  # noqa: F401
from notify.cap import models as _cap  # noqa: F401
from notify.deliveries import models as _deliveries  # noqa: F401
from notify.drafting import models as _composing  # noqa: F401
from notify.evidence import models as _evidence  # noqa: F401
from notify.exports import models as _exports  # noqa: F401
from notify.incidents import models as _incident_notes  # noqa: F401
from notify.insight import models as _analytics  # noqa: F401
from notify.insight import performance_models as _performance  # noqa: F401
from notify.places import models as _places  # noqa: F401
from notify.places.place_names import models as _place_names  # noqa: F401
from notify.staff import models as _staff  # noqa: F401
from notify.staff.council_settings import models as _council_settings  # noqa: F401
from notify.statutory_notices import models as _notices  # noqa: F401
from notify.subscribers import access_models as _access  # noqa: F401
from notify.subscribers import models as _subscribers  # noqa: F401
from notify.subscribers.imports import models as _imports  # noqa: F401
from notify.subscribers.suppression import bounce_models as _bounces  # noqa: F401
from notify.tracking import models as _tracking  # noqa: F401
from notify.waste import models as _waste  # noqa: F401
from notify.zones import models as _zones  # noqa: F401
