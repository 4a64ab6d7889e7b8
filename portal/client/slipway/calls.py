"""Calls of the REST API with a token, with retries where they are safe and clear error messages."""

from __future__ import annotations

import contextlib
import os
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Self

import requests

from slipway.documents import Document, required
from slipway.errors import NotAllowed, NotFound, Refused, SlipwayError, Unreachable, Usage

API = "/api/v1/"
TIMEOUT = (10, 120)  # seconds to connect, seconds of silence
PATIENCE_SECONDS = 15.0
LONGEST_PAUSE = 10.0
# Statuses of a server or proxy that restarts or is overloaded.
NOT_NOW = {429, 502, 503, 504}
# A repeated POST with the same key is not executed twice; until the first has ended, it gets this status.
STILL_WORKING = 409
NOT_MODIFIED = 304
NO_ROOM = 507
# CA bundles, as OpenSSL, requests and curl name them; the first that is set wins.
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class Calls:
    """A portal's API, called with a token.

    ``cacert``: a CA bundle; the default is the one that ``CA_VARIABLES`` name. ``patience``: for how many
    seconds to retry without a response; ``on_wait`` is told once per call.
    """

    def __init__(self, base: str, token: str = "", *, cacert: str = "", patience: float | None = None):
        self.base = base.rstrip("/")
        self.patience = PATIENCE_SECONDS if patience is None else patience
        self.on_wait: Callable[[str], None] = lambda sentence: None
        self.document_class: type[Document] = Document
        self.session = requests.Session()
        self.token = token
        self._verify = _authorities(cacert)
        self._watches = False
        self._polled: dict[str, tuple[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open for later calls."""
        self.session.close()

    @property
    def token(self) -> str:
        return self._bearer.token

    @token.setter
    def token(self, secret: str) -> None:
        self._bearer = self.session.auth = _Bearer(secret)

    def sign_in(self, username: str, password: str, name: str, scopes: list[str], days: int) -> str:
        """Create a token by name and password and use it from now on. Returns its secret."""
        wanted = {"name": name, "scopes": scopes, "days": days}
        # Without a key: if the response with the secret is lost, a new token is created.
        no_key = {"Idempotency-Key": None}
        made = self.post("tokens/", json=wanted, headers=no_key, auth=(username, password))
        self.token = made["secret"]
        return self.token

    def wait_until_up(self, seconds: float) -> None:
        """Return when the portal responds at all. Raises Unreachable after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.send_once("GET", "teams/")
                return
            except (Unreachable, requests.RequestException) as error:
                if time.monotonic() > deadline:
                    raise Unreachable(f"No answer from {self.base} within {seconds:g} s.") from error
                time.sleep(0.5)

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Inside, retry for at least this long: for long operations that continue by themselves.

        Reads inside are retried after any server error, including unexpected ones.
        """
        before = self.patience, self._watches
        self.patience, self._watches = max(self.patience, seconds), seconds > 0
        try:
            yield
        finally:
            self.patience, self._watches = before

    def get(self, path: str, **params: Any) -> Any:
        return self._json(self.call("GET", path, params=params))

    def poll(self, path: str) -> Any:
        """As ``get``, for polling: a full response is sent only after a change."""
        etag, body = self._polled.get(path, ("", None))
        answer = self.call("GET", path, headers={"If-None-Match": etag} if etag else {})
        if answer.status_code != NOT_MODIFIED:
            body = self._json(answer)
            self._polled = {path: (answer.headers.get("ETag", ""), body)}
        return body

    def post(self, path: str, **options: Any) -> Any:
        return self._json(self.call("POST", path, **options))

    def patch(self, path: str, **fields: Any) -> Any:
        return self._json(self.call("PATCH", path, json=fields))

    def _json(self, answer: requests.Response) -> Any:
        return json_of(answer, self.document_class)

    def rows(self, path: str, most: int | None = None, **params: Any) -> Iterator[Any]:
        """The rows of a list, newest first, across pages; at most ``most`` of them."""
        params = {"limit": min(most or 200, 200), **params}
        given = 0
        while path:
            page = self.get(path, **params)
            for row in required(page, "results"):
                if most is not None and given >= most:
                    return
                given += 1
                yield row
            path, params = page["next"], {}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One successful call. Raises the exceptions in ``errors``.

        ``path`` is relative to ``/api/v1/``, or a URL that the portal returned.
        """
        return checked(self.ask(method, path, **options))

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call and its response, retried while the portal does not respond. Raises Unreachable.

        Every POST carries a key, so that it is executed once however often it is sent.
        """
        if method == "POST":
            options["headers"] = {"Idempotency-Key": uuid.uuid4().hex, **options.get("headers", {})}
        tries = Tries(self)
        while True:
            try:
                answer = self.send_once(method, path, **options)
            except requests.RequestException as error:
                if isinstance(error, requests.exceptions.InvalidJSONError):
                    raise Usage("NaN and infinite numbers cannot be sent: give a finite one.") from error
                if _is_untrusted(error):
                    raise Unreachable(UNTRUSTED.format(base=self.base)) from error
                tries.pause(f"There is no answer from {self.base}{_why(error)}.")
                continue
            if self._may_pass(method, answer.status_code):
                tries.pause(_sentence(answer), answer)
            elif method == "POST" and tries.made and answer.status_code == STILL_WORKING:
                tries.pause(_sentence(answer), answer, Refused)
            else:
                return answer

    def _may_pass(self, method: str, status: int) -> bool:
        """Whether a retry may get another response than this one."""
        if status in NOT_NOW:
            return True
        return self._watches and method == "GET" and status >= 500 and status != NO_ROOM

    def send_once(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call and its response, whatever its status; not retried."""
        redirects = method in ("GET", "HEAD")
        address = self.address(path)
        defaults = {"timeout": TIMEOUT, "allow_redirects": redirects, "verify": self._verify}
        return self.session.request(method, address, **{**defaults, **options})

    def address(self, path: str) -> str:
        """The full URL of a path relative to ``/api/v1/``.

        Of a URL that the portal returned (the next page, a file, an upload), only the path counts: the portal
        may know itself by another name, and no other server may get the token.
        """
        return self.base + API + path.rpartition(API)[2]


UNTRUSTED = (
    "The certificate of {base} is not trusted: name the file of its authority by --cacert or SSL_CERT_FILE."
)


def _authorities(cacert: str) -> str | bool:
    """The CA bundle; True for the default of requests. Raises Usage."""
    found = cacert or next(filter(None, map(os.environ.get, CA_VARIABLES)), "")
    if not found:
        return True
    try:
        ssl.create_default_context(cafile=None if os.path.isdir(found) else found)
    except OSError as error:  # ssl.SSLError is one
        raise Usage(f"{found!r} is no file of certificates: give one in PEM format.") from error
    return found


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether a certificate was rejected, which no retry changes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        reason = getattr(error, "reason", None) or next(iter(error.args), None)
        error = (
            error.__cause__ or error.__context__ or (reason if isinstance(reason, BaseException) else None)
        )
    return False


class _Bearer(requests.auth.AuthBase):
    """Sends the token, and keeps requests from reading ``~/.netrc``."""

    def __init__(self, token: str):
        self.token = token

    def __call__(self, request):
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Tries:
    """Pauses between retries of one call, increasingly long, until the client's patience ends."""

    def __init__(self, client: Calls):
        self.client = client
        self.made = 0
        self._deadline = time.monotonic() + client.patience

    def pause(
        self, sentence: str, answer: requests.Response | None = None, then: type[SlipwayError] = Unreachable
    ):
        """Wait at least as long as the response asks; raise ``then`` if patience ends first."""
        wanted = _retry_after(answer.headers.get("Retry-After", "")) if answer is not None else 0.0
        seconds = max(min(0.5 * 2**self.made, LONGEST_PAUSE), wanted)
        if time.monotonic() + seconds > self._deadline:
            raise then(sentence)
        if not self.made:
            self.client.on_wait(f"{sentence} Trying again for {self.client.patience:.0f} s.")
        self.made += 1
        time.sleep(seconds)


def _retry_after(text: str) -> float:
    """The seconds of Retry-After, given as a number or a date (RFC 9110); 0 if absent."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def json_of(answer: requests.Response, document_class: type[Document] = Document) -> Any:
    """The JSON document of a response. Raises Unreachable if it is not JSON."""
    try:
        return answer.json(object_hook=document_class)
    except ValueError as error:
        sentence = "What the portal answered cannot be understood: is it the right address?"
        raise Unreachable(sentence, status=answer.status_code) from error


def checked(answer: requests.Response) -> requests.Response:
    """The response itself, or its problem raised as one of our errors."""
    status = answer.status_code
    if status < 300 or status == NOT_MODIFIED:
        return answer
    problem = _problem(answer)
    raise _kind(status)(
        _sentence(answer),
        status=status,
        title=str(problem.get("title", "")),
        errors=problem["errors"] if isinstance(problem.get("errors"), dict) else None,
        request_id=answer.headers.get("X-Request-ID", ""),
    )


def _kind(status: int) -> type[SlipwayError]:
    if status in (401, 403):
        return NotAllowed
    if status == 404:
        return NotFound
    return Unreachable if status >= 500 and status != NO_ROOM else Refused


def _problem(answer: requests.Response) -> dict[str, Any]:
    """The problem details (RFC 9457) of a response; empty if something else responded."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(answer: requests.Response) -> str:
    """The portal's sentence about the error, or ours if something else responded."""
    if detail := _problem(answer).get("detail"):
        return str(detail)
    where = answer.url.partition("?")[0]
    if 300 <= answer.status_code < 400:
        return f"{where} has moved to {answer.headers.get('Location', 'elsewhere')}: sign in there."
    return f"{where} answered with status {answer.status_code} and without a reason."


def _why(error: requests.RequestException) -> str:
    return " in time" if isinstance(error, requests.Timeout) else ""
