"""Mail that we sign ourselves: dkimpy, another implementation, finds every signature good."""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from notify.providers.base import Accepted
from notify.providers.smtp import dkim_signatures, sender_dns
from notify.providers.smtp.dkim_signatures import DkimKeyNotUsable
from notify.providers.smtp.provider import SmtpProvider
from tests.mailbox import Mailbox
from tests.providers.messages import mail
from tests.tracking.every_mail import every_mail


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dkim") / "key.pem"
    file.write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    return file


@pytest.fixture
def keys(key_file: Path) -> Mapping[str, dkim_signatures.DkimKey]:
    return dkim_signatures.read_keys(f"example.org:2027:{key_file}")


def is_good(raw: bytes, keys: Mapping[str, dkim_signatures.DkimKey]) -> bool:
    published = f"v=DKIM1; k=rsa; p={keys['example.org'].published}".encode()
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: published if b"2027._domainkey" in name else None))


def test_every_kind_of_mail_is_signed_well(client: object, keys: Mapping[str, dkim_signatures.DkimKey]) -> None:
    for name, raw in every_mail().items():
        signed = dkim_signatures.signed(raw, keys)
        assert is_good(signed, keys), name
        assert signed.isascii()
        head = signed.split(b"\r\n\r\n")[0]
        assert max(len(line) for line in head.split(b"\r\n")) < 998


def test_what_rfc_8058_and_receivers_ask_for_is_covered(
    client: object, keys: Mapping[str, dkim_signatures.DkimKey]
) -> None:
    signed = dkim_signatures.signed(every_mail()["routine-en-standard"], keys)
    header = re.sub(r"\s+", "", signed.split(b"\r\nFrom:")[0].decode())
    tags = dict(item.split("=", 1) for item in header.removeprefix("DKIM-Signature:").split(";"))
    assert (tags["a"], tags["c"], tags["d"], tags["s"]) == ("rsa-sha256", "relaxed/relaxed", "example.org", "2027")
    covered = tags["h"].split(":")
    assert {"from", "subject", "list-unsubscribe", "list-unsubscribe-post", "date", "message-id"} <= set(covered)
    assert covered.count("from") == 2


@pytest.mark.parametrize(
    ("old", "new", "holds"),
    [
        (b"Mill Road closed", b"Mill Road open!!", False),
        (
            b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            b"List-Unsubscribe-Post: List-Unsubscribe=Two-Clicks",
            False,
        ),
        (b"\r\nSubject:", b"\r\nFrom: evil@example.net\r\nSubject:", False),
        (b"\r\nSubject: ", b"\r\nsubject:\t  ", True),
        (b"The bridge", b"The   bridge", True),
    ],
)
def test_a_change_on_the_way_is_seen_and_other_spaces_are_not(
    client: object, keys: Mapping[str, dkim_signatures.DkimKey], old: bytes, new: bytes, holds: bool
) -> None:
    signed = dkim_signatures.signed(every_mail()["routine-en-plain"], keys)
    assert old in signed
    assert is_good(signed.replace(old, new, 1), keys) is holds


def test_a_domain_without_a_key_is_not_signed_and_one_below_is(
    client: object, keys: Mapping[str, dkim_signatures.DkimKey]
) -> None:
    raw = every_mail()["staff"]
    assert dkim_signatures.signed(raw.replace(b"alerts@example.org", b"alerts@example.com"), keys).startswith(b"From:")
    assert is_good(dkim_signatures.signed(raw.replace(b"alerts@example.org", b"a@mail.example.org"), keys), keys)


def test_signed_mail_arrives_signed_alone_and_in_company(
    inbox: Mailbox, choose: Callable[..., None], key_file: Path, keys: Mapping[str, dkim_signatures.DkimKey]
) -> None:
    choose(SMTP_DKIM_KEYS=f"example.org:2027:{key_file}")
    provider = SmtpProvider()
    provider.send(mail("alone@example.net"))
    company = [mail(f"r{number}@example.net") for number in range(3)]
    assert all(isinstance(one, Accepted) for one in provider.send_many(company))
    provider.close()
    raws = [path.read_bytes() for path in sorted(inbox.folder.rglob("*.eml"))]
    assert len(raws) == 4
    assert all(is_good(raw, keys) for raw in raws)


class Records:
    """A name server that knows these TXT records."""

    def __init__(self, records: Mapping[str, str]) -> None:
        self.records = records

    def txt(self, name: str) -> list[str]:
        return [self.records[name]] if name in self.records else []

    def mx(self, name: str) -> list[str]:
        return []


@pytest.mark.parametrize(
    ("record", "expected"), [("", "has no DKIM record"), ("v=DKIM1; p=AAAA", "holds another key"), ("right", "")]
)
def test_the_doctor_compares_the_record_with_the_key(
    keys: Mapping[str, dkim_signatures.DkimKey], record: str, expected: str
) -> None:
    own = keys["example.org"]
    text = f"v=DKIM1; k=rsa; p={own.published}" if record == "right" else record
    found = sender_dns.check_keys({own.record: own.published}, resolver=Records({own.record: text} if text else {}))
    assert (len(found), expected in "".join(found)) == (1 if expected else 0, True)
    assert not found or own.published in found[0]


def test_a_key_that_cannot_be_used_is_refused_at_once(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "no.pem").write_text("-")
    (tmp_path / "other.pem").write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    for setting in (
        "example.org", "example.org:s1:", f"exa mple:s1:{key_file}", f"example.org:s1:{tmp_path / 'none.pem'}",
        f"example.org:s1:{tmp_path / 'no.pem'}", f"example.org:s1:{tmp_path / 'other.pem'}",
    ):  # fmt: skip
        with pytest.raises(DkimKeyNotUsable):
            dkim_signatures.read_keys(setting)
    assert dkim_signatures.read_keys("") == {}
    assert base64.b64decode(dkim_signatures.read_keys(f"a.org:s:{key_file}")["a.org"].published)
