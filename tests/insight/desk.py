"""Forms as a browser sends them: it follows where the page leads, with its cookie."""

from collections.abc import Mapping

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient


def submit(client: TestClient[Litestar], path: str, fields: Mapping[str, str], desk: dict[str, str]) -> Response:
    """The page that an officer sees after pressing the form's button."""
    answer = client.post(path, data=dict(fields), headers=desk, follow_redirects=False)
    if answer.status_code == 303:
        return client.get(answer.headers["location"], headers=desk)
    return answer
