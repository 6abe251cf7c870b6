"""What is wrong with a setting is said in one sentence; where each was given can be seen, and no secret."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from notify.cli import main
from notify.core.setting_sources import given
from notify.core.settings import Settings, reread
from notify.devserver import embedded, mail_catcher
from notify.staff.sign_in.oidc import OidcSettings
from tests.conftest import read_settings_anew

SECRET = "a secret that nobody may read, ever"
HTTPS = {"NOTIFY_BASE_URL": "https://alerts.example.org"}


@pytest.fixture(autouse=True)
def environment(servers: embedded.Addresses, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    read_settings_anew()
    with pytest.MonkeyPatch.context() as change:
        for name in list(given()):
            change.delenv(name, raising=False)
        change.setenv("NOTIFY_DATA_DIR", str(tmp_path))
        reread()
        yield change
    reread()


def said(command: str = "settings", *options: str, **variables: str) -> str:
    reread()
    result = CliRunner().invoke(main, [command, *options], env=variables)
    reread()
    return result.output


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("NOTIFY_DATABASE_POOL", "many", "NOTIFY_DATABASE_POOL: 'many' is not a whole number."),
        ("NOTIFY_BATCH_SIZE", "0", "NOTIFY_BATCH_SIZE: 0 is too small: give at least 1."),
        ("NOTIFY_BRAKE_PERCENT", "101", "NOTIFY_BRAKE_PERCENT: 101 is too large: give at most 100."),
        ("NOTIFY_SIGN_IN_LINKS", "perhaps", "NOTIFY_SIGN_IN_LINKS: 'perhaps' is neither true nor false."),
        ("NOTIFY_DATABASE_URL", "mysql://x", "NOTIFY_DATABASE_URL: the address must begin with postgresql://"),
        ("NOTIFY_REDIS_URL", "localhost", "NOTIFY_REDIS_URL: the address must begin with redis://"),
        ("NOTIFY_BASE_URL", "http://example.org", "NOTIFY_BASE_URL: 'http://example.org' is not safe"),
        ("NOTIFY_SENDER_ADDRESS", "alerts", "NOTIFY_SENDER_ADDRESS: 'alerts' is not an email address"),
        ("NOTIFY_THEME_COLOUR", "blue", "NOTIFY_THEME_COLOUR: 'blue' is not a colour like #1d4b5c."),
        ("NOTIFY_SECRET_KEY", "short", "NOTIFY_SECRET_KEY: it has 5 characters: give at least 32 random ones."),
        ("NOTIFY_LIMIT_COUNTS_PER_HOUR", "0", "NOTIFY_LIMIT_COUNTS_PER_HOUR: 0 is too small: give at least 1."),
        ("NOTIFY_SMTP_PORT", "smtp", "NOTIFY_SMTP_PORT: 'smtp' is not a whole number."),
    ],
)
def test_a_wrong_value_is_said_in_one_sentence(name: str, value: str, sentence: str) -> None:
    output = said(**{name: value})
    assert sentence in output
    assert "Traceback" not in output


def test_all_that_is_wrong_is_said_at_once() -> None:
    output = said(NOTIFY_DATABASE_POOL="x", NOTIFY_BATCH_SIZE="0")
    assert "NOTIFY_DATABASE_POOL" in output
    assert "NOTIFY_BATCH_SIZE" in output


def test_a_slip_in_a_name_gets_the_nearest_one() -> None:
    output = said(NOTIFY_DATABSE_URL="postgresql://h/d", NOTIFY_ZZZZ="1")
    assert "NOTIFY_DATABSE_URL is no setting: did you mean NOTIFY_DATABASE_URL?" in output
    assert "NOTIFY_ZZZZ is no setting, and has no effect." in output


def test_a_file_gives_a_setting(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    assert "NOTIFY_SECRET_KEY=(set)    # NOTIFY_SECRET_KEY_FILE" in said(NOTIFY_SECRET_KEY_FILE=str(tmp_path / "key"))


def test_a_file_gives_the_settings_of_every_class(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    (tmp_path / "issuer").write_text("https://login.example.org")
    environment.setenv("NOTIFY_OIDC_ISSUER_FILE", str(tmp_path / "issuer"))
    assert OidcSettings().issuer == "https://login.example.org"


def test_a_folder_gives_settings_and_the_environment_comes_first(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notify_sender_name").write_text("From the folder")
    (tmp_path / "NOTIFY_BATCH_SIZE").write_text("7")
    (tmp_path / "other").write_text("nothing of ours")
    environment.setenv("NOTIFY_SECRETS_DIR", str(tmp_path))
    environment.setenv("NOTIFY_BATCH_SIZE", "8")
    chosen = Settings()
    assert (chosen.sender_name, chosen.batch_size) == ("From the folder", 8)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"NOTIFY_SENDER_NAME": "x", "NOTIFY_SENDER_NAME_FILE": "/x"}, "are both set: keep one of them."),
        ({"NOTIFY_SENDER_NAME_FILE": "/nowhere/at/all"}, "/nowhere/at/all cannot be read"),
        ({"NOTIFY_SECRETS_DIR": "/nowhere/at/all"}, "NOTIFY_SECRETS_DIR names '/nowhere/at/all', which is no folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_said(variables: dict[str, str], sentence: str) -> None:
    assert sentence in said(**variables)


def test_no_secret_is_printed(tmp_path: Path) -> None:
    output = said(
        "settings",
        "--all",
        NOTIFY_SECRET_KEY=SECRET,
        NOTIFY_METRICS_TOKEN=SECRET,
        NOTIFY_SMTP_PASSWORD=SECRET,
        NOTIFY_OIDC_CLIENT_SECRET=SECRET,
        NOTIFY_STAFF_URLS=f"mailto://u:{SECRET}@example.org",
        NOTIFY_DATABASE_URL=f"postgresql://notify:{SECRET}@db.example.org:5432/notify",
        NOTIFY_REDIS_URL=f"redis://:{SECRET}@cache.example.org/0",
    )
    assert SECRET not in output
    assert "NOTIFY_DATABASE_URL=postgresql://(hidden)@db.example.org:5432/notify    # environment" in output
    assert "NOTIFY_BATCH_SIZE=500    # default" in output


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://db.example.org/notify?user=notify&password={}",
        "postgresql://notify:p#{}@db.example.org/notify",
        "postgresql://notify:a/{}?b@db.example.org:5432/notify",
    ],
)
def test_no_password_is_printed_wherever_it_stands_in_an_address(address: str) -> None:
    output = said("settings", NOTIFY_DATABASE_URL=address.format(SECRET))
    assert "NOTIFY_DATABASE_URL=postgresql://" in output
    assert SECRET not in output


def test_texts_are_not_written_to_a_file_in_production() -> None:
    assert "names `file`, which sends nothing" in said(**HTTPS, NOTIFY_SMS_PROVIDERS="file")


def test_nobody_gets_texts_in_production_unless_a_provider_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFY_BASE_URL", HTTPS["NOTIFY_BASE_URL"])
    assert Settings().providers_for("sms") == ()


def test_mail_is_not_caught_in_production(environment: pytest.MonkeyPatch) -> None:
    assert "catches mail instead of sending it" in said("run", **HTTPS)
    environment.setenv("NOTIFY_BASE_URL", HTTPS["NOTIFY_BASE_URL"])
    environment.setattr("sys.argv", ["catcher", "--file", "/nowhere/mail"])
    with pytest.raises(SystemExit, match="The mail catcher sends nothing"):
        mail_catcher.main()
