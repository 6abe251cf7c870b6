"""A page for each type of problem, at the address that its documents give as `type`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from litestar import Response
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from notify.core.errors import NotFound, NotifyError
from notify.web.routes import page_get
from notify.web.templates import page


class UnknownProblem(NotFound):
    """No error of this service has this name."""

    title = "There is no such type of problem"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What is true of every problem of one type."""

    slug: str
    status: int
    title: str
    meaning: str


# what `problems` answers for errors that are not ours
OF_THE_FRAMEWORK: Sequence[ProblemType] = (
    ProblemType(
        "not-valid", 422, "The request is not valid", "A field is missing, unknown or wrong; `errors` names each."
    ),
    ProblemType("changed-meanwhile", 409, "Someone else was faster", "The same thing was changed at this very moment."),
    ProblemType("unavailable", 503, "Temporarily unavailable", "The database is away. Nothing was changed; try again."),
    ProblemType("unexpected", 500, "Something went wrong on our side", "A defect. It has been logged."),
    ProblemType("http-400", 400, "The request could not be read", "Not JSON, or cut short."),
    ProblemType("http-404", 404, "Not found", "There is no such address."),
    ProblemType(
        "http-405", 405, "This address does not answer that method", "The `Allow` header says which it answers."
    ),
    ProblemType("http-413", 413, "The request is too large", "Send less at once."),
)


def problem_types() -> Mapping[str, ProblemType]:
    """Every type of problem that the loaded modules know, by its slug."""
    own = {
        kind.slug(): ProblemType(kind.slug(), kind.status, str(kind.title), (kind.__doc__ or "").partition("\n")[0])
        for kind in _below(NotifyError)
        if kind.__module__.startswith("notify.")
    }
    known = {one.slug: one for one in OF_THE_FRAMEWORK} | own
    return dict(sorted(known.items()))


def _below(kind: type[NotifyError]) -> Iterator[type[NotifyError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


@page_get("/problems")
def list_problems() -> Response[object]:
    """Every type of problem."""
    return page("problems.html", problems=problem_types().values())


@page_get("/problems/{slug:str}")
def show_problem(slug: FromPath[str]) -> Response[object]:
    """What is true of every problem of one type. Raises: UnknownProblem."""
    if (found := problem_types().get(slug)) is None:
        raise UnknownProblem("The page /problems lists the types of problems.")
    return page("problem.html", problem=found)


HANDLERS: Sequence[ControllerRouterHandler] = (list_problems, show_problem)
