"""A directory for tests: an OpenID Connect provider on this machine, with the code flow and PKCE.

It asks for no password: `/choose`, with what `/authorize` was asked and a `person`, signs in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "carepath-of-the-council", "the-secret-of-the-client"


@dataclass
class Provider:
    """The provider's people, and what it does wrong.

    Attributes:
        people: the groups of each person; None leaves the claim out of the token.
        claims: what a person's token says instead of the right thing.
        forged: people whose tokens are signed with a key that is not the provider's.
        refused: what was wrong with requests for tokens.
    """

    address: str = ""
    people: dict[str, list[str] | None] = field(default_factory=dict)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    forged: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "current"})
        self.other = RSAKey.generate_key(2048, {"kid": "current"})

    def metadata(self) -> dict[str, Any]:
        """Return what the provider says about itself."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, person: str, asked: dict[str, str]) -> dict[str, Any]:
        """Return the answer to a code that is right."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.address,
            "sub": f"id of {person}",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": person,
            "given_name": person.title(),
        }
        if (groups := self.people[person]) is not None:
            claims["groups"] = groups
        claims |= self.claims.get(person, {})
        key = self.other if person in self.forged else self.key
        return {
            "access_token": secrets.token_urlsafe(),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": jwt.encode({"alg": "RS256", "kid": "current"}, claims, key),
        }

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Return the tokens for a code; None if anything about the request is wrong."""
        proof = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != proof or form.get("grant_type") != "authorization_code":
            self.refused.append("client")
            return None
        person, asked = self.codes.pop(form.get("code", ""), ("", {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not person or challenge != asked["code_challenge"]:
            self.refused.append("code")
            return None
        if form.get("redirect_uri") != asked["redirect_uri"]:
            self.refused.append("address")
            return None
        return self.token(person, asked)


@contextmanager
def running() -> Iterator[Provider]:
    """Run the provider on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def say(self, status: int, body: object, **headers: str) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/.well-known/openid-configuration":
                self.say(200, provider.metadata())
            elif address.path == "/keys":
                self.say(200, KeySet([provider.key]).as_dict(private=False))
            elif address.path == "/authorize":
                asked = dict(parse_qsl(address.query))
                is_right = asked["client_id"] == CLIENT and asked["response_type"] == "code"
                self.say(200 if is_right else 400, {})
            elif address.path == "/choose":
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                code = secrets.token_urlsafe()
                provider.codes[code] = (asked["person"], asked)
                back = urlencode({"code": code, "state": asked["state"]})
                self.say(302, {}, Location=f"{asked['redirect_uri']}?{back}")
            else:
                self.say(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            tokens = provider.exchange(dict(parse_qsl(body)), self.headers.get("Authorization", ""))
            self.say(200, tokens) if tokens else self.say(400, {"error": "invalid_grant"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
