"""Sign-in with the council's own accounts: OpenID Connect, code flow with PKCE.

Nothing that the provider says is believed beyond what the settings pin: issuer, client, algorithms, the claim that a
second factor was given. Between the two steps the browser keeps an encrypted cookie, and nothing is stored here.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from notify.core import clock, tokens
from notify.core.errors import Forbidden, NotFound, NotifyError, Unavailable
from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import once_a_process, settings
from notify.core.typed_text import email_key
from notify.staff.models import Role, UsedState

LIFE = timedelta(minutes=10)
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 256_000
PURPOSE = "oidc"
CALL_BACK = "/staff/sign-in/oidc/back"


class SignInRefused(Forbidden):
    """What the identity provider sent does not prove who is there. The log says why."""

    title = "You could not be signed in"
    is_logged = True


class SingleSignOnIsOff(NotFound):
    """No identity provider is set."""

    title = "There is no sign-in with council accounts here"


class IdentityProviderAway(Unavailable):
    """The identity provider does not answer as it should."""

    title = "The identity provider cannot be reached"


class OidcSettings(SettingsOfOurs):
    """The council's identity provider."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_OIDC_", frozen=True, extra="ignore")

    issuer: str = Field("", description="The identity provider's issuer, exactly as it writes it. Empty: none.")
    client_id: str = Field("", description="What the identity provider calls this installation.")
    client_secret: str = Field("", description="The secret that the identity provider gave this installation.")
    algorithms: str = Field("RS256,PS256,ES256", description="Signatures that are accepted, separated by commas.")
    scopes: str = Field("openid email profile", description="What is asked for.")
    tenant: str = Field("", description="What the claim `tid` must be. Empty: it is not looked at.")
    mfa: str = Field(
        "amr=mfa",
        description="Claims that show a second factor, as `amr=mfa,acr=urn:example:two`; one of them must be there.",
    )
    groups_claim: str = Field("groups", description="The claim that lists a person's groups.")
    roles: str = Field(
        "",
        description="Groups and the roles they give, as `alerts-admins=admin,comms=author`; the first that fits "
        "counts, and nobody without one comes in. Empty: the role that the officer has here.",
    )

    @field_validator("roles")
    @classmethod
    def _roles_are_roles(cls, value: str) -> str:
        for pair in value.split(","):
            if pair.strip() and pair.rpartition("=")[2].strip() not in set(Role):
                raise ValueError(f"{pair.strip()!r} is not a group and a role, as in comms=author")
        return value

    @property
    def is_on(self) -> bool:
        """Whether officers can sign in this way."""
        return bool(self.issuer and self.client_id)

    def role_of(self, groups: object) -> Role | None:
        """The role that these groups give; None where groups decide nothing. Raises: SignInRefused."""
        pairs = [pair.rpartition("=") for pair in self.roles.split(",") if pair.strip()]
        if not pairs:
            return None
        held = groups if isinstance(groups, list) else []
        for group, _, role in pairs:
            if group.strip() in held:
                return Role(role.strip())
        raise SignInRefused(
            "None of your groups has to do with alerts. Ask the people who manage your council's accounts."
        )


@once_a_process
def oidc_settings() -> OidcSettings:
    """The settings of this process."""
    return OidcSettings()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in, kept encrypted in the browser that began it."""

    state: str
    nonce: str
    verifier: str
    at: float
    back: str = ""  # the page to go on with
    invitation: str = ""

    def sealed(self) -> str:
        """For the cookie."""
        return tokens.seal(PURPOSE, json.dumps(asdict(self)))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says is there. `mfa_at` is None where it does not say when they proved it.

    `is_email_verified` only where it says so: anyone may write any address into some accounts.
    """

    subject: str
    email: str
    role: Role | None
    mfa_at: datetime | None
    is_email_verified: bool = False


def begin(*, afresh: bool, back: str = "", invitation: str = "") -> tuple[str, Attempt]:
    """The provider's address to send the browser to, and what to keep in the cookie. `afresh` asks for a new proof.

    `invitation` is the token of a link that binds an account.

    Raises: SingleSignOnIsOff, IdentityProviderAway.
    """
    chosen = _chosen()
    endpoint = str(_metadata(chosen)["authorization_endpoint"])
    began = clock.now().timestamp()
    attempt = Attempt(tokens.random_token(), tokens.random_token(), secrets.token_urlsafe(48), began, back, invitation)
    challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": chosen.client_id,
        "redirect_uri": _redirect_uri(),
        "scope": chosen.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if afresh else {}),
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", attempt


def read_attempt(sealed: str, state: str) -> Attempt:
    """The attempt that this browser began, if it is the one that comes back. Raises: SignInRefused."""
    try:
        attempt = Attempt(**json.loads(tokens.unseal(PURPOSE, sealed)))
    except (tokens.LinkNotValid, ValueError, TypeError):
        raise SignInRefused("This browser did not begin the sign-in. Begin again.") from None
    if not state or not compare_digest(attempt.state.encode(), state.encode()):
        raise SignInRefused("The answer belongs to another sign-in. Begin again.")
    if not 0 <= clock.now().timestamp() - attempt.at <= LIFE.total_seconds():
        raise SignInRefused("The sign-in took longer than ten minutes. Begin again.")
    return attempt


def use_up(session: Session, attempt: Attempt) -> None:
    """Let an attempt come back once. Raises: SignInRefused the second time."""
    now = clock.now()
    session.execute(delete(UsedState).where(col(UsedState.expires_at) < now))
    statement = insert(UsedState).values(digest=tokens.digest(attempt.state), expires_at=now + 2 * LIFE)
    taken = session.execute(statement.on_conflict_do_nothing().returning(col(UsedState.digest))).first()
    if taken is None:
        raise SignInRefused("This sign-in was used already. Begin again.")


def identify(attempt: Attempt, code: str) -> Identity:
    """Exchange the code and say who is there. Raises: SignInRefused, IdentityProviderAway."""
    chosen = _chosen()
    metadata = _metadata(chosen)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _redirect_uri(),
        "code_verifier": attempt.verifier,
    }
    answer = _asked("POST", str(metadata["token_endpoint"]), data=form, auth=(chosen.client_id, chosen.client_secret))
    keys = _asked("GET", str(metadata["jwks_uri"]))
    return _identity(chosen, _claims(chosen, str(answer.get("id_token", "")), keys, attempt))


def _claims(chosen: OidcSettings, token: str, keys: Mapping[str, object], attempt: Attempt) -> Mapping[str, object]:
    now = int(clock.now().timestamp())
    rules = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": chosen.issuer},
        aud={"essential": True, "value": chosen.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": attempt.nonce},
    )
    try:
        # public keys only, and only these algorithms: neither `none` nor a public key used as a shared secret
        decoded = jwt.decode(token, KeySet.import_key_set(_public(keys)), algorithms=chosen.algorithms.split(","))
        rules.validate(decoded.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _refused(type(error).__name__) from None
    claims: Mapping[str, object] = decoded.claims
    audience, issued = claims["aud"], claims["iat"]
    if "azp" in claims or (isinstance(audience, list) and len(audience) > 1):
        _require(claims.get("azp") == chosen.client_id, "azp")
    _require(isinstance(issued, int | float) and issued <= now + LEEWAY_SECONDS, "iat")
    _require(not chosen.tenant or claims.get("tid") == chosen.tenant, "tid")
    _require(_shows_mfa(chosen, claims), "mfa")
    return claims


def _public(keys: Mapping[str, object]) -> KeySetSerialization:
    listed = keys.get("keys")
    found = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    return {"keys": [key for key in found if key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"]}


def _shows_mfa(chosen: OidcSettings, claims: Mapping[str, object]) -> bool:
    for pair in chosen.mfa.split(","):
        name, _, value = pair.strip().partition("=")
        held = claims.get(name)
        if name and value and (value in held if isinstance(held, list) else value == held):
            return True
    return False


def _identity(chosen: OidcSettings, claims: Mapping[str, object]) -> Identity:
    subject, email = claims.get("sub"), claims.get("email")
    _require(isinstance(subject, str) and bool(subject), "sub")
    _require(isinstance(email, str) and "@" in email, "email")
    _require(claims.get("email_verified") is not False, "email_verified")
    proved = claims.get("auth_time")
    return Identity(
        subject=f"{chosen.issuer} {subject}",
        email=email_key(str(email)),
        role=chosen.role_of(claims.get(chosen.groups_claim)),
        mfa_at=datetime.fromtimestamp(min(proved, clock.now().timestamp()), UTC)
        if isinstance(proved, int | float) and proved > 0
        else None,
        is_email_verified=claims.get("email_verified") is True,
    )


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise _refused(what)


def _refused(reason: str) -> SignInRefused:
    # the reason is told to nobody else: it would help who tries
    return SignInRefused("The identity provider's answer does not hold what is needed. Begin again.").because(reason)


def _chosen() -> OidcSettings:
    if not oidc_settings().is_on:
        raise SingleSignOnIsOff("Set NOTIFY_OIDC_ISSUER and NOTIFY_OIDC_CLIENT_ID, or sign in with password and code.")
    return oidc_settings()


def _redirect_uri() -> str:
    return settings().base_url + CALL_BACK


def _metadata(chosen: OidcSettings) -> Mapping[str, object]:
    found = _asked("GET", chosen.issuer.rstrip("/") + "/.well-known/openid-configuration")
    missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - set(found)
    if found.get("issuer") != chosen.issuer or missing:
        raise IdentityProviderAway("It describes itself as somebody else: check NOTIFY_OIDC_ISSUER.")
    return found


def _asked(
    method: str, address: str, *, data: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
) -> Mapping[str, object]:
    failure: NotifyError = IdentityProviderAway("It did not answer. Try again, or sign in with password and code.")
    try:
        answer = httpx.request(method, address, data=data, auth=auth, timeout=TIMEOUT_SECONDS, follow_redirects=False)
        if answer.status_code in (400, 401) and method == "POST":
            failure = _refused("code")
        answer.raise_for_status()
        found = json.loads(answer.content) if len(answer.content) <= LARGEST_ANSWER else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise failure from None
    if not isinstance(found, dict):
        raise failure
    return found
