"""An identity provider at the other end of the wire that answers whatever a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "notify-test"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})

Claims = dict[str, object]


def signed(claims: Claims, *, key: RSAKey = KEY, kid: str = "one", alg: str = "RS256") -> str:
    """The claims as the provider signs them."""
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


@dataclass
class Provider:
    """What the provider answers: `token` makes the id_token of the claims that would be right."""

    issuer: str = ""
    token: Callable[[Claims], str] = signed
    codes: set[str] = field(default_factory=set)
    posted: list[dict[str, list[str]]] = field(default_factory=list)
    nonce: str = ""
    subject: str = "kim-1"

    def claims(self) -> Claims:
        """A token that nothing is wrong with."""
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.subject,
            "email": "kim@example.org",
            "email_verified": True,
            "nonce": self.nonce,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "amr": ["pwd", "mfa"],
            "groups": ["comms"],
        }


@contextmanager
def running() -> Iterator[Provider]:
    """The provider on the loopback."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            described = {
                "issuer": provider.issuer,
                "authorization_endpoint": f"{provider.issuer}/authorize",
                "token_endpoint": f"{provider.issuer}/token",
                "jwks_uri": f"{provider.issuer}/keys",
            }
            is_description = self.path.endswith("openid-configuration")
            self._say(described if is_description else {"keys": [KEY.as_dict(private=False)]})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            provider.posted.append(form)
            code = form["code"][0]
            if code in provider.codes:
                self._say({"error": "invalid_grant"}, 400)
                return
            provider.codes.add(code)
            self._say({"access_token": "a", "token_type": "Bearer", "id_token": provider.token(provider.claims())})

        def _say(self, what: object, status: int = 200) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
