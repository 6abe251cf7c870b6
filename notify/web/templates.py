"""HTML pages from the templates folder."""

from collections.abc import Mapping

from jinja2 import Environment
from litestar import MediaType, Response

from notify import rendering
from notify.settings import once_a_process, settings


@once_a_process
def _environment() -> Environment:
    environment = rendering.environment("pages")
    environment.globals["base_url"] = settings().base_url
    return environment


def page(
    name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response[object]:
    """The page `templates/pages/<name>`, filled with `values` and escaped."""
    html = _environment().get_template(name).render(**values)
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=dict(headers or {}))
