"""Who may come in: a one-time key is exchanged for a cookie, and every request has to show it.

The page can cancel jobs and write into folders, so no other user of the machine, no other page in the browser, and no
name that is made to point at this machine (DNS rebinding) gets anything.
"""

from __future__ import annotations

import hmac
import secrets
import threading

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1 << 20
"""Bytes of a request."""
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer: nothing comes from outside, nothing is kept, nobody frames it."""
_USED = (
    "This address has been used already, or is an old one.\n\n"
    "Open Resilver again from DaVinci Resolve: Workspace > Scripts.\n"
)


class Doors:
    """Knows keys and the cookie. Thread-safe."""

    def __init__(self, port: int) -> None:
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._name = f"resilver-{port}"  # cookies do not tell ports apart
        self._cookie = secrets.token_urlsafe(32)
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def key(self) -> str:
        """One that opens the page once."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._keys.add(key)
        return key

    def refusal(self, request: Request) -> Response | None:
        """Why a request is not let in, or the cookie for a key; None where it is let in."""
        if request.headers.get("host", "") not in self._hosts:
            return PlainTextResponse("This server answers as 127.0.0.1 only.\n", 421)
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Not from another page.\n", 403)
        if request.url.path == "/" and "key" in request.query_params:
            return self._exchanged(request)
        if not self._has_cookie(request):
            return PlainTextResponse(_USED, 403)
        return self._odd_post(request) if request.method != "GET" else None

    def _exchanged(self, request: Request) -> Response:
        """Away from the address with the key, whether it was good or not: nobody shall keep it."""
        given = request.query_params["key"]
        with self._lock:
            known = next((key for key in self._keys if hmac.compare_digest(key.encode(), given.encode())), None)
            self._keys.discard(known or "")
        if known is None and not self._has_cookie(request):
            return PlainTextResponse(_USED, 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._name, self._cookie, httponly=True, samesite="strict", path="/")
        return answer

    def _has_cookie(self, request: Request) -> bool:
        return hmac.compare_digest(request.cookies.get(self._name, "").encode(), self._cookie.encode())

    def _odd_post(self, request: Request) -> Response | None:
        headers = request.headers
        if headers.get("origin", "") not in [f"http://{host}" for host in self._hosts]:
            return PlainTextResponse("Not from another page.\n", 403)
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return PlainTextResponse("JSON only.\n", 415)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            return PlainTextResponse("Too long, or of unknown length.\n", 413)
        return None


class Guard:
    """The middleware around the whole application: nothing is reached past it."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.decode() not in _HEADERS]
                ours = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*kept, *ours]
            await send(message)

        refusal = self._doors.refusal(Request(scope))
        await (refusal or self._app)(scope, receive, sending)
