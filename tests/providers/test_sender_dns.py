"""What is published of a sender's domain: each thing that is missing or wrong is a sentence with its remedy."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from notify.providers.smtp import sender_dns
from notify.providers.smtp.sender_dns import Dns, NameServerAway, check_domain

DOMAIN = "alerts.council.gov.uk"
SPF, KEY, DMARC = "v=spf1 include:spf.example.net -all", "v=DKIM1; k=rsa; p=MIGf", "v=DMARC1; p=none"
ALL_GOOD: Mapping[str, Sequence[str]] = {
    DOMAIN: ["a site's proof of ownership", SPF],
    f"one._domainkey.{DOMAIN}": [KEY],
    f"_dmarc.{DOMAIN}": [DMARC],
}


@dataclass(slots=True)
class Records:
    """A resolver that knows these, and what it was asked. A name whose records are None is not answered for."""

    texts: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def txt(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        found = self.texts.get(name, [])
        if found is None:
            raise NameServerAway("LifetimeTimeout")
        return found

    def mx(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.hosts.get(name, [])


def complaints(changed: Mapping[str, Sequence[str] | None], *, bounces: str = "", mx: Sequence[str] = ()) -> list[str]:
    """What is wrong when everything is in order but this."""
    resolver = Records({**ALL_GOOD, **changed}, {bounces: mx})
    return list(check_domain(DOMAIN, resolver=resolver, selectors=["one"], bounces=bounces))


def test_a_domain_that_is_in_order_gives_no_complaint() -> None:
    assert complaints({}) == []
    assert complaints({}, bounces="b.council.gov.uk", mx=["mx.council.gov.uk."]) == []
    assert complaints({DOMAIN: ["V=SPF1 redirect=_spf.example.net"]}) == []
    assert complaints({DOMAIN: ["v=spf1 ~all", "v=spf10 +all", "v=spf1x"]}) == []
    assert complaints({f"_dmarc.{DOMAIN}": ["v=DMARC1 ; p = Reject ; rua=mailto:x@example.org"]}) == []


WRONG: Sequence[tuple[Mapping[str, Sequence[str] | None], str, str]] = [
    ({DOMAIN: []}, "has no SPF record", "publish a TXT record"),
    ({DOMAIN: ["v=spf1 -all", "v=spf1 ~all"]}, "2 SPF records", "join them"),
    ({DOMAIN: ["v=spf1 +all"]}, "lets every machine", "-all"),
    ({DOMAIN: ["v=spf1 a ALL"]}, "lets every machine", "-all"),
    ({DOMAIN: ["v=spf1 ?all"]}, "says nothing of other machines", "~all"),
    ({f"one._domainkey.{DOMAIN}": []}, "has no DKIM record", "NOTIFY_SMTP_DKIM_SELECTORS"),
    ({f"one._domainkey.{DOMAIN}": ["hello"]}, "has no DKIM record", "publish"),
    ({f"one._domainkey.{DOMAIN}": ["v=DKIM1; p="]}, "is revoked", "publish a new one"),
    ({f"_dmarc.{DOMAIN}": []}, "has no DMARC record", f"_dmarc.{DOMAIN}"),
    ({f"_dmarc.{DOMAIN}": [DMARC, DMARC]}, "2 DMARC records", "keep one"),
    ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=dance"]}, "p=dance", "p=reject"),
    ({f"_dmarc.{DOMAIN}": ["v=DMARC1; rua=mailto:x@example.org"]}, "no p= at all", "p=reject"),
    ({DOMAIN: None}, "No name server answers (LifetimeTimeout)", "resolver"),
    ({f"_dmarc.{DOMAIN}": None}, "No name server answers (LifetimeTimeout)", "resolver"),
]


@pytest.mark.parametrize(("changed", "words", "remedy"), WRONG)
def test_each_thing_that_is_wrong_is_one_sentence(
    changed: Mapping[str, Sequence[str] | None], words: str, remedy: str
) -> None:
    [sentence] = complaints(changed)
    assert words in sentence
    assert remedy in sentence
    assert sentence.endswith(".")


def test_a_domain_without_anything_hears_of_each_once() -> None:
    found = check_domain(DOMAIN, resolver=Records(), selectors=["one", "two"])
    assert [next(what for what in ("SPF", "DKIM", "DMARC") if what in sentence) for sentence in found] == [
        "SPF", "DKIM", "DKIM", "DMARC",
    ]  # fmt: skip


def test_a_name_server_that_is_away_is_asked_once_and_is_not_a_missing_record() -> None:
    resolver = Records({DOMAIN: None})
    [sentence] = check_domain(DOMAIN, resolver=resolver, selectors=["one"])
    assert "has no" not in sentence
    assert resolver.asked == [DOMAIN]


def test_without_selectors_dkim_cannot_be_looked_up() -> None:
    [sentence] = check_domain(DOMAIN, resolver=Records(ALL_GOOD))
    assert "NOTIFY_SMTP_DKIM_SELECTORS" in sentence


def test_the_organisations_dmarc_record_serves_and_one_of_a_shared_suffix_does_not() -> None:
    assert complaints({f"_dmarc.{DOMAIN}": [], "_dmarc.council.gov.uk": [DMARC]}) == []
    assert "no DMARC" in complaints({f"_dmarc.{DOMAIN}": [], "_dmarc.gov.uk": [DMARC], "_dmarc.uk": [DMARC]})[0]


def test_spf_is_looked_for_at_the_domain_of_the_envelope() -> None:
    resolver = Records({**ALL_GOOD, DOMAIN: [], "b.council.gov.uk": [SPF]})
    assert check_domain(DOMAIN, resolver=resolver, selectors=["one"], envelope="b.council.gov.uk") == []
    assert DOMAIN not in resolver.asked


@pytest.mark.parametrize(("hosts", "words"), [([], "no MX record"), (["."], "null MX")])
def test_bounces_need_a_mail_server_to_come_back_to(hosts: list[str], words: str) -> None:
    [sentence] = complaints({}, bounces="b.council.gov.uk", mx=hosts)
    assert sentence.startswith("b.council.gov.uk")
    assert words in sentence


@contextmanager
def name_server(zone: Sequence[str], *, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Iterator[int]:
    """A real name server on the loopback that knows these records; its port."""
    known = []
    for line in zone:
        name, kind, value = line.split(maxsplit=2)
        known.append(dns.rrset.from_text(name, 60, "IN", kind, value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            with suppress(OSError):
                while True:
                    wire, client = server.recvfrom(4096)
                    if not wire:
                        return
                    question = dns.message.from_wire(wire)
                    reply = dns.message.make_response(question)
                    reply.flags |= dns.flags.RA
                    asked = question.question[0]
                    named = [found for found in known if found.name == asked.name]
                    reply.answer = [found for found in named if found.rdtype == asked.rdtype]
                    reply.set_rcode(rcode if named or rcode else dns.rcode.NXDOMAIN)
                    server.sendto(reply.to_wire(), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


def test_a_real_name_server_is_understood() -> None:
    zone = [f'{DOMAIN}. TXT "v=spf1 " "-all"', "b.council.gov.uk. MX 10 mx.council.gov.uk."]
    with name_server(zone) as port:
        resolver = Dns(["127.0.0.1"], port)
        assert resolver.txt(DOMAIN) == ["v=spf1 -all"]
        assert resolver.mx("b.council.gov.uk") == ["mx.council.gov.uk."]
        assert list(resolver.mx(DOMAIN)) == list(resolver.txt("nothing.council.gov.uk")) == []
        for name in ("a..b", "x" * 64 + ".uk", "x." * 130 + "uk"):
            assert list(resolver.txt(name)) == []


def test_a_name_server_that_fails_or_is_silent_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server([], rcode=dns.rcode.SERVFAIL) as port, pytest.raises(NameServerAway):
        Dns(["127.0.0.1"], port).txt(DOMAIN)
    monkeypatch.setattr(sender_dns, "PATIENCE_S", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(NameServerAway):
            Dns(["127.0.0.1"], silent.getsockname()[1]).txt(DOMAIN)
