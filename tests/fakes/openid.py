"""A small OpenID provider on loopback: discovery, authorization code with PKCE, signed ID tokens, user info.

``spoil`` changes what the next ID token says or how it is signed, so that a test can see it refused.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "slipway", "the client's secret"
NONE = {"sub": "1", "preferred_username": "erin"}


def _coded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _signed_with_public_key(header: dict, claims: dict, key: RSAKey) -> str:
    text = ".".join(_coded(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{_coded(signature)}"


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.person = dict(NONE)  # claims of the ID token
        self.info: dict = {}  # further claims, of the user info only
        self.spoil: dict = {}
        self.algorithm, self.signer = "RS256", self.key
        self.metadata: dict = {}
        self.codes: dict = {}
        self.asked: list = []

    def authorize(self, url: str) -> str:
        """What the person's browser gets after they agree: the address that it is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT and "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def id_token(self, query: dict) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"],
        } | self.person | self.spoil  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "one"}
        if self.algorithm == "none":
            return ".".join(_coded(json.dumps(part).encode()) for part in (header, claims)) + "."
        if self.algorithm == "HS256":  # of confused algorithms: the published key as the shared secret
            return _signed_with_public_key(header, claims, self.key)
        return jwt.encode(header, claims, self.signer, algorithms=[self.algorithm])

    def documents(self) -> dict:
        at = self.issuer
        found = {
            "issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys", "userinfo_endpoint": f"{at}/info", "end_session_endpoint": f"{at}/out",
        }  # fmt: skip
        return {
            "/.well-known/openid-configuration": found | self.metadata,
            "/keys": KeySet([self.key]).as_dict(private=False),
            "/info": {"sub": self.person.get("sub")} | self.info,
        }


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/authorize"):
            self.send_response(302)
            self.send_header("Location", self.server.authorize(self.path))
            return self.end_headers()
        found = self.server.documents().get(self.path)
        if self.path == "/info" and self.headers["Authorization"] != "Bearer the-access-token":
            return self._answer(401, {})
        return self._answer(200 if found else 404, found or {})

    def do_POST(self):
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        query = self.server.codes.pop(given.get("code"), None)
        if query is None or not self._knows_client() or not self._fits(query, given):
            return self._answer(400, {"error": "invalid_grant"})
        token = self.server.id_token(query)
        return self._answer(
            200, {"access_token": "the-access-token", "token_type": "Bearer", "id_token": token}
        )

    def _knows_client(self) -> bool:
        kind, _, coded = self.headers.get("Authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(coded).decode() in (
            f"{CLIENT}:{SECRET}", urlencode({CLIENT: SECRET}).replace("=", ":")
        )  # fmt: skip

    @staticmethod
    def _fits(query: dict, given: dict) -> bool:
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return challenge == query["code_challenge"] and given["redirect_uri"] == query["redirect_uri"]

    def _answer(self, status: int, found: dict) -> None:
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def start() -> Provider:
    provider = Provider()
    threading.Thread(target=provider.serve_forever, args=(0.02,), daemon=True).start()
    return provider
