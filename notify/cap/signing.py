"""Signatures within CAP messages: XML-DSig, enveloped, as CAP 1.2 section 3.3.2.1 asks."""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from notify.core import clock
from notify.core.errors import SetUpError
from notify.core.settings import once_a_process, settings

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LEAST_RSA_BITS = 2048


class CapKeyNotUsable(SetUpError):
    """The key or the certificate for CAP messages cannot be read, or they do not belong together."""

    title = "CAP messages cannot be signed"


def sign(document: bytes) -> bytes:
    """The document with our signature in it; as it was where no key is set. Raises: CapKeyNotUsable."""
    pair = _pair()
    if pair is None:
        return document
    # here, because an installation without a key signs nothing
    from lxml import etree
    from signxml.algorithms import SignatureMethod
    from signxml.signer import XMLSigner

    key, certificates = pair
    method = SignatureMethod.RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else SignatureMethod.ECDSA_SHA256
    signed = XMLSigner(signature_algorithm=method).sign(etree.fromstring(document), key=key, cert=certificates)
    written: bytes = etree.tostring(signed, encoding="utf-8", xml_declaration=True)
    return written


@once_a_process
def _pair() -> tuple[Key, list[x509.Certificate]] | None:
    paths = (settings().cap_key, settings().cap_certificate)
    if paths == (None, None):
        return None
    if paths[0] is None or paths[1] is None:
        raise CapKeyNotUsable("Set both NOTIFY_CAP_KEY and NOTIFY_CAP_CERTIFICATE, or neither.")
    key, certificates = _key(paths[0]), _certificates(paths[1])
    if key.public_key() != certificates[0].public_key():
        raise CapKeyNotUsable("NOTIFY_CAP_CERTIFICATE is not the certificate of NOTIFY_CAP_KEY.")
    return key, certificates


def _key(path: Path) -> Key:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise CapKeyNotUsable(f"NOTIFY_CAP_KEY cannot be read: {error}. It is a PEM file without password.") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) or (
        isinstance(key, rsa.RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS
    ):
        return key
    raise CapKeyNotUsable(f"NOTIFY_CAP_KEY must be an RSA key of {LEAST_RSA_BITS} bits or more, or an EC key.")


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CapKeyNotUsable(f"NOTIFY_CAP_CERTIFICATE cannot be read: {error}. It is a PEM file.") from None


def complaints() -> Sequence[str]:
    """What is wrong with key and certificate, a sentence each with its remedy. For `notify doctor`."""
    try:
        pair = _pair()
    except CapKeyNotUsable as error:
        return [error.detail]
    if pair and pair[1][0].not_valid_after_utc <= clock.now():
        return ["The certificate in NOTIFY_CAP_CERTIFICATE has expired: CAP messages are signed, and nobody trusts it."]
    return []


def notes() -> Sequence[str]:
    """What `notify doctor` says of signing when nothing is wrong."""
    if settings().cap_key or settings().cap_certificate:
        return []
    return ["CAP messages go out unsigned: set NOTIFY_CAP_KEY and NOTIFY_CAP_CERTIFICATE to sign them."]
