"""`notify languages`: how much of what residents read is said in each language."""

import click

from notify.core.settings import settings
from notify.languages import completeness


@click.command("languages")
@click.option("--missing", metavar="CODE", help="List the English words that this language does not say yet.")
def languages_command(missing: str | None) -> None:
    """Say how complete each language of the pages is.

    Welsh comes with the product. Others are catalogues in NOTIFY_LOCALE_DIR; copy the Welsh one to begin with.
    """
    settings()
    found = completeness()
    if missing is not None:
        wanted = next((one for one in found if one.code == missing), None)
        if wanted is None:
            raise click.BadParameter(
                f"There is no catalogue of {missing!r} in NOTIFY_LOCALE_DIR.", param_hint="missing"
            )
        for text in wanted.missing:
            click.echo(text)
        return
    for one in found:
        click.echo(f"{one.name} ({one.code}): {one.percent}% of {one.words:,} texts, {len(one.missing):,} missing")
