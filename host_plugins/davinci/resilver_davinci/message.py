"""One plain message for people: printed in Resolve's console, and shown in their browser."""

import html
import os
import sys
import threading
from typing import Any

from .refused import Refused

BROWSER = "RESILVER_BROWSER"
"""Environment variable; ``none``: no browser is opened, addresses and messages are printed alone."""
_FETCHED = 20.0
"""Seconds that a browser gets to fetch the message before the script ends."""
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Resilver</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42em; margin: 15vh auto; padding: 0 1.5em;
color: #ddd; background: #1e1e20 }} h1 {{ font-size: 1.3em }} code {{ color: #9ab; overflow-wrap: anywhere }}</style>
<h1>Resilver</h1>
{}
</html>
"""


def say(sentence: str) -> None:
    """Print in Resolve's console, whatever characters it can show. Never fails: there may be no console."""
    try:
        try:
            print(sentence)
        except UnicodeError:
            print(sentence.encode("ascii", "backslashreplace").decode("ascii"))
        sys.stdout.flush()
    except Exception:  # the edge of the program: a console that is gone must not hide what follows
        pass


def show(refused: Refused) -> None:
    """Print why something did not go, and show it in the browser until that has fetched it. Never fails."""
    say("Resilver: {}".format(refused))
    try:
        if may_open():
            _serve_once(as_page(refused))
    except Exception as error:  # the edge of the program: it is printed already
        say("Resilver: no browser could be opened: {}".format(error))


def as_page(refused: Refused) -> str:
    """The message as HTML."""
    parts = ["<p>{}</p>".format(html.escape(_sentence(refused.what)))]
    if refused.where:
        parts.append("<p><code>{}</code></p>".format(html.escape(refused.where)))
    if refused.remedy:
        parts.append("<p><strong>{}</strong></p>".format(html.escape(_sentence(refused.remedy))))
    return _PAGE.format("\n".join(parts))


def may_open() -> bool:
    """Whether there is a browser to open: it was not switched off, and there is a screen."""
    if os.environ.get(BROWSER) == "none":
        return False
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    return sys.platform in ("win32", "darwin") or bool(screen)


def open_page(address: str) -> bool:
    """Open the user's browser; whether that could be done. Never fails."""
    if not may_open():
        return False
    try:
        import webbrowser

        return bool(webbrowser.open(address))
    except Exception:  # the edge of the program: the address is printed in any case
        return False


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def _serve_once(page: str) -> None:
    """Serve a page on loopback until it was fetched. A browser in a sandbox (snap) may not read a file of ours."""
    import binascii
    from http.server import HTTPServer

    path = "/" + binascii.hexlify(os.urandom(16)).decode("ascii")
    fetched = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), _handler(path, page.encode("utf-8", "backslashreplace"), fetched))
    thread = threading.Thread(target=server.serve_forever, name="resilver message")
    thread.daemon = True
    thread.start()
    try:
        if open_page("http://127.0.0.1:{}{}".format(server.server_port, path)):
            fetched.wait(_FETCHED)
    finally:
        server.shutdown()
        server.server_close()


def _handler(path: str, body: bytes, fetched: threading.Event) -> Any:
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != path:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            fetched.set()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: it would be printed in Resolve's console."""

    return Handler
