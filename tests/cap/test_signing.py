"""Messages carry a signature that others can check, where the installation has a key."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.exceptions import InvalidSignature
from signxml.verifier import XMLVerifier

from notify.alerts.hazard import Category, Certainty, Severity, Urgency
from notify.cap import reader, signing
from notify.cap.message import Info, Message, MessageType, Status
from notify.cap.writer import write
from tests import moments
from tests.cap.messages import SENT, validator

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KINDS: dict[str, Callable[[], Key]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
}
INFO = Info(
    "en-GB", (Category.MET,), "Flooding", Urgency.IMMEDIATE, Severity.SEVERE, Certainty.LIKELY, headline="Flood"
)
DOCUMENT = write(Message("one", "alerts@example.org", SENT, Status.ACTUAL, MessageType.ALERT, infos=(INFO,)))


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def certificate(key: Key, *, days: int = 30) -> str:
    """A certificate that the key signed itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alerts.example.org")])
    now = moments.present()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(LONG_AGO)  # the verifier has a clock of its own
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def save(tmp_path: Path, key: Key, pem: str) -> dict[str, str]:
    """The two settings."""
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "certificate.pem").write_text(pem)
    return {"CAP_KEY": str(tmp_path / "key.pem"), "CAP_CERTIFICATE": str(tmp_path / "certificate.pem")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_message_can_be_checked_and_read(
    choose: Callable[..., None], tmp_path: Path, real_data: Path, kind: str
) -> None:
    key = KINDS[kind]()
    pem = certificate(key)
    choose(**save(tmp_path, key, pem))
    signed = signing.sign(DOCUMENT)
    checked = XMLVerifier().verify(signed, x509_cert=pem)
    assert not isinstance(checked, list)
    assert checked.signed_xml is not None
    assert checked.signed_xml.findtext("{*}identifier") == "one"
    validator(real_data)(signed)
    assert reader.read(signed) == reader.read(DOCUMENT)
    assert (signing.complaints(), signing.notes()) == ([], [])
    forged = signed.replace(b">Flood<", b">Fired<")
    assert forged != signed
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(forged, x509_cert=pem)
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(signed, x509_cert=certificate(KINDS[kind]()))


def test_without_a_key_nothing_is_signed_and_the_doctor_says_so(choose: Callable[..., None]) -> None:
    assert signing.sign(DOCUMENT) == DOCUMENT
    assert etree.fromstring(DOCUMENT).find("{http://www.w3.org/2000/09/xmldsig#}Signature") is None
    assert "unsigned" in signing.notes()[0]


def test_the_doctor_finds_what_is_wrong(choose: Callable[..., None], tmp_path: Path) -> None:
    key = KINDS["EC"]()
    paths = save(tmp_path, key, certificate(key))
    choose(CAP_KEY=paths["CAP_KEY"])
    assert "Set both" in signing.complaints()[0]
    choose(**paths | {"CAP_KEY": str(tmp_path / "nowhere")})
    assert "NOTIFY_CAP_KEY cannot be read" in signing.complaints()[0]
    choose(**save(tmp_path, key, "nonsense"))
    assert "NOTIFY_CAP_CERTIFICATE cannot be read" in signing.complaints()[0]
    choose(**save(tmp_path, key, certificate(KINDS["EC"]())))
    assert "is not the certificate of" in signing.complaints()[0]
    choose(**save(tmp_path, key, certificate(key, days=-1)))
    assert "has expired" in signing.complaints()[0]
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505
    choose(**save(tmp_path, short, certificate(short)))
    assert "2048 bits" in signing.complaints()[0]
