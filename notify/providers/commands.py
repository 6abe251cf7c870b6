"""`notify speak`: a telephone call to listen to beforehand."""

from pathlib import Path

import click

from notify.providers import speech


@click.command("speak")
@click.argument("text")
@click.option("--language", default="en", show_default=True, help="en or cy.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("call.wav"), show_default=True)
def speak_command(text: str, language: str, out: Path) -> None:
    """Record how a phone call reads TEXT: names, times, numbers. The voice on the telephone is another.

    \b
      notify speak "Flood warning for Tŷ Mawr. Move upstairs." --language cy
    """
    recording = speech.preview(text, language)
    if recording is None:
        raise click.ClickException("Nothing here can speak: install espeak-ng (apt-get install espeak-ng).")
    out.write_bytes(recording)
    click.echo(f"Written to {out}.")
