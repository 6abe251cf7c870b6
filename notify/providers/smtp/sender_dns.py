"""What the world reads of a sender's domain before it believes its mail: SPF, DKIM and DMARC, and where bounces go.

Source: RFC 7208, RFC 6376, RFC 7489, RFC 7505.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import dns.resolver

PATIENCE_S = 3.0
POLICIES = {"none", "quarantine", "reject"}
# under these, domains of different owners stand side by side: what is published there is not a council's own
SHARED = {
    "ac.uk", "co.uk", "gov.scot", "gov.uk", "gov.wales", "ltd.uk", "me.uk", "net.uk", "nhs.uk", "org.uk", "plc.uk",
    "police.uk", "sch.uk", "llyw.cymru",
}  # fmt: skip


class NameServerAway(Exception):
    """No name server answered, so nobody knows what is published."""


class Resolver(Protocol):
    """Looks names up. An empty answer means that there is no such record."""

    def txt(self, name: str) -> Sequence[str]:
        """The TXT records of this name, each in one piece. Raises: NameServerAway."""
        ...

    def mx(self, name: str) -> Sequence[str]:
        """The hosts that take mail for this name; `.` says that nobody does. Raises: NameServerAway."""
        ...


class Dns:
    """Asks this machine's name servers, for three seconds a question at most."""

    def __init__(self, name_servers: Sequence[str] = (), port: int = 53) -> None:
        """Ask these servers at this port instead of the machine's own."""
        self._name_servers, self._port = name_servers, port

    def txt(self, name: str) -> Sequence[str]:
        """The TXT records of this name, each in one piece. Raises: NameServerAway."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")]

    def mx(self, name: str) -> Sequence[str]:
        """The hosts that take mail for this name. Raises: NameServerAway."""
        return [str(record.exchange) for record in self._ask(name, "MX")]

    def _ask(self, name: str, kind: str) -> "dns.resolver.Answer | Sequence[dns.resolver.Answer]":
        # here, because every worker imports this module with the SMTP adapter and never looks a name up
        import dns.exception
        import dns.name
        import dns.resolver

        no_names = (dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong)
        try:
            resolver = dns.resolver.Resolver(configure=not self._name_servers)
            if self._name_servers:
                resolver.nameservers, resolver.port = list(self._name_servers), self._port
            return resolver.resolve(name, kind, lifetime=PATIENCE_S, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, *no_names):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise NameServerAway(type(error).__name__) from None


def check_domain(
    domain: str, *, resolver: Resolver, selectors: Sequence[str] = (), envelope: str = "", bounces: str = ""
) -> Sequence[str]:
    """What keeps mail from this domain from being believed, a sentence each with its remedy.

    `envelope` is the domain of the envelope sender, if it is another; `selectors` are those that the relay signs
    with; `bounces` is the domain that bounces come back to, if that is ours.
    """
    asked: Sequence[Callable[[], Sequence[str]]] = (
        lambda: _spf(envelope or domain, resolver),
        lambda: _dkim(domain, selectors, resolver),
        lambda: _dmarc(domain, resolver),
        lambda: _mx(bounces, resolver) if bounces else [],
    )
    return _asked(domain, asked)


def check_author(domain: str, *, resolver: Resolver, selectors: Sequence[str] = ()) -> Sequence[str]:
    """The same of a domain that mail comes from and its bounces do not go back to: DKIM and DMARC alone."""
    return _asked(domain, (lambda: _dkim(domain, selectors, resolver), lambda: _dmarc(domain, resolver)))


def _asked(domain: str, asked: Sequence[Callable[[], Sequence[str]]]) -> Sequence[str]:
    problems: list[str] = []
    for ask in asked:
        try:
            problems += ask()
        except NameServerAway as error:
            # one sentence, and no more waiting: the others would not be answered either
            return [*problems, _away(domain, str(error))]
    return problems


def _away(domain: str, why: str) -> str:
    return (
        f"No name server answers ({why}), so nobody can say whether SPF, DKIM and DMARC of {domain} are in order: "
        "check this machine's resolver and try again."
    )


def _spf(domain: str, resolver: Resolver) -> Sequence[str]:
    records = [text for text in resolver.txt(domain) if text.lower().split()[:1] == ["v=spf1"]]
    if not records:
        return [
            f"{domain} has no SPF record, so nobody knows which machines may send its mail: "
            f"publish a TXT record at {domain} such as `v=spf1 include:spf.your-relay.example -all`."
        ]
    if len(records) > 1:
        return [f"{domain} has {len(records)} SPF records, which count as none: join them into one."]
    terms = records[0].lower().split()
    if "all" in terms or "+all" in terms:
        return [f"The SPF record of {domain} lets every machine send in its name: end it with -all instead of +all."]
    if "?all" in terms:
        return [f"The SPF record of {domain} says nothing of other machines (?all): end it with ~all or -all."]
    return []


def _dkim(domain: str, selectors: Sequence[str], resolver: Resolver) -> Sequence[str]:
    if not selectors:
        return [
            f"The DKIM record of {domain} cannot be looked up: "
            "set NOTIFY_SMTP_DKIM_SELECTORS to the selectors that your relay signs with."
        ]
    problems = []
    for selector in selectors:
        name = f"{selector}._domainkey.{domain}"
        keys = [tags["p"] for text in resolver.txt(name) if "p" in (tags := _tags(text))]
        if not keys:
            problems.append(
                f"{name} has no DKIM record, so signatures by it fail: publish the TXT record that your relay names, "
                "or fix NOTIFY_SMTP_DKIM_SELECTORS."
            )
        elif not any(keys):
            problems.append(f"The DKIM key at {name} is revoked: publish a new one and have your relay sign with it.")
    return problems


def check_keys(public_keys: Mapping[str, str], *, resolver: Resolver) -> Sequence[str]:
    """What keeps signatures by our own keys from being believed: the record of each must hold its public part."""
    problems: list[str] = []
    for name, public_key in public_keys.items():
        try:
            held = [tags["p"] for text in resolver.txt(name) if "p" in (tags := _tags(text))]
        except NameServerAway as error:
            return [*problems, _away(name, str(error))]
        if public_key not in held:
            wrong = "holds another key" if held else "has no DKIM record"
            problems.append(
                f"{name} {wrong}, so signatures made here (NOTIFY_SMTP_DKIM_KEYS) fail: publish a TXT record there "
                f"with v=DKIM1; k=rsa; p={public_key}"
            )
    return problems


def _dmarc(domain: str, resolver: Resolver) -> Sequence[str]:
    name, records = "", list[str]()
    for holder in _holders(domain):
        name = f"_dmarc.{holder}"
        records = [text for text in resolver.txt(name) if _tags(text).get("v") == "DMARC1"]
        if records:
            break
    if not records:
        return [
            f"{domain} has no DMARC record, so large mailbox providers may refuse its mail: "
            f"publish a TXT record at _dmarc.{domain} such as `v=DMARC1; p=none; rua=mailto:postmaster@{domain}`."
        ]
    if len(records) > 1:
        return [f"{name} has {len(records)} DMARC records, which count as none: keep one."]
    policy = _tags(records[0]).get("p", "")
    if policy.lower() not in POLICIES:
        said = f"p={policy}" if policy else "no p= at all"
        return [f"The DMARC record at {name} has {said}, so it is not obeyed: use p=none, p=quarantine or p=reject."]
    return []


def _holders(domain: str) -> Sequence[str]:
    """The domain and those above it that belong to the same owner."""
    labels = domain.lower().rstrip(".").split(".")
    above = [".".join(labels[at:]) for at in range(1, len(labels) - 1)]
    return [domain, *(name for name in above if name not in SHARED)]


def _tags(record: str) -> dict[str, str]:
    """`v=DMARC1; p=none` as a mapping."""
    pairs = (item.partition("=") for item in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, found, value in pairs if found}


def _mx(domain: str, resolver: Resolver) -> Sequence[str]:
    hosts = resolver.mx(domain)
    if not hosts:
        return [f"{domain} has no MX record, so bounces cannot come back: publish one that names your mail server."]
    if list(hosts) == ["."]:
        return [f"{domain} says that it takes no mail (a null MX), so bounces cannot come back: name your mail server."]
    return []
