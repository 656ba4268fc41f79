"""The page over real HTTP: who is let in, what is answered, and that nothing else is."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from davinci.desks import STATION, TITLE, conform, desk_over, shown
from resilver_bridge.desk import Desk
from resilver_bridge.page.app import ACTIONS, STATIC
from resilver_bridge.page.doors import LARGEST
from resilver_bridge.page.serving import Serving
from resilver_client.client import Client
from resilver_client.errors import ServerUnreachable

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Visitor:
    """A browser, as far as requests go."""

    port: int
    cookie: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        given = {"origin": f"http://127.0.0.1:{self.port}", "content_type": "application/json", **headers}
        return self._ask("POST", path, json.dumps(body).encode(), given)

    def enter(self, url: str) -> Answer:
        parts = urlsplit(url)
        answer = self.get(f"{parts.path}?{parts.query}")
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0] or self.cookie
        return answer

    def state(self, after: int = 0) -> dict[str, object]:
        return dict(json.loads(self.get(f"/state?after={after}").body))

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if self.cookie:
            given["cookie"] = self.cookie
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        connection.close()
        return found


def unreachable() -> Client:
    raise ServerUnreachable("no server runs", remedy="start it")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def desk(media: Path, tmp_path: Path) -> Iterator[Desk]:
    with desk_over(conform(media), tmp_path, unreachable) as desk:
        yield desk


@pytest.fixture
def serving(desk: Desk) -> Iterator[Serving]:
    serving = Serving(desk)
    serving.start()
    yield serving
    desk.close()
    serving.stop()


@pytest.fixture
def stranger(serving: Serving) -> Visitor:
    return Visitor(urlsplit(serving.url()).port or 0)


@pytest.fixture
def visitor(serving: Serving, stranger: Visitor) -> Visitor:
    visitor = Visitor(stranger.port)
    assert visitor.enter(serving.url()).status == 303
    return visitor


PATHS = ("/", "/state", "/static/page.js", "/thumbnail/1/0", "/picture/1/0", "/nowhere", "/?key=wrong")


def test_nobody_is_let_in_without_the_cookie(stranger: Visitor) -> None:
    for path in PATHS:
        assert stranger.get(path).status == 403, path
    assert stranger.post("/do/read", {}).status == 403
    stranger.cookie = f"resilver-{stranger.port}=guessed"
    assert stranger.get("/state").status == 403


def test_a_key_opens_once(serving: Serving, stranger: Visitor) -> None:
    url = serving.url()
    answer = stranger.enter(url)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"resilver-{stranger.port}=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert stranger.get("/").status == 200
    thief = Visitor(stranger.port)
    assert thief.enter(url).status == 403
    assert thief.cookie == ""
    assert stranger.enter(url).status == 303  # who is in already gets away from the address
    assert Visitor(stranger.port).enter(serving.url()).status == 303  # a second page has a key of its own


def test_every_answer_forbids_what_comes_from_outside(visitor: Visitor, stranger: Visitor) -> None:
    answers = [visitor.get(path) for path in PATHS] + [stranger.get("/"), visitor.post("/do/none", {})]
    for answer in answers:
        assert answer.headers["content-security-policy"].startswith(POLICY)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


def test_a_name_that_is_made_to_point_here_is_refused(visitor: Visitor) -> None:
    for host in ("evil.example", f"evil.example:{visitor.port}", "127.0.0.1", f"127.0.0.1:{visitor.port + 1}"):
        assert visitor.get("/state", host=host).status == 421, host
    assert visitor.get("/", host=f"localhost:{visitor.port}").status == 200


def test_other_pages_cannot_ask_for_anything(visitor: Visitor) -> None:
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{visitor.port + 1}", ""):
        assert visitor.post("/do/read", {}, origin=origin).status == 403, origin
    for site in ("cross-site", "same-site"):
        assert visitor.get("/state", sec_fetch_site=site).status == 403
        assert visitor.post("/do/read", {}, sec_fetch_site=site).status == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert visitor.post("/do/read", {}, content_type=kind).status == 415, kind
    assert visitor.post("/do/read", "x" * LARGEST).status == 413
    assert visitor.post("/do/read", {}, sec_fetch_site="same-origin").status == 200


def test_only_loopback_is_listened_on(serving: Serving, stranger: Visitor) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", stranger.port), timeout=5)


def test_files_come_from_the_pages_folder_only(visitor: Visitor) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert visitor.get(path).status == 404, path
    served = visitor.get("/static/page.js")
    assert served.body == (STATIC / "page.js").read_bytes()
    assert served.headers["content-type"].startswith("text/javascript")


def test_the_page_asks_nothing_from_outside_and_has_no_script_in_it() -> None:
    for file in STATIC.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), file
        assert "innerHTML" not in text, file
    index = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", index)


def test_what_changes_is_told_while_a_page_waits(visitor: Visitor, desk: Desk) -> None:
    state = visitor.state()
    assert {"hello", "edit", "choice", "runs", "notices", "server"} <= set(state["sections"])
    timer = threading.Timer(0.3, desk.choose, [4])
    timer.start()
    began = time.monotonic()
    fresh = visitor.state(int(state["version"]))
    assert list(fresh["sections"]) == ["choice"]
    assert fresh["sections"]["choice"]["rule"] == 4
    assert 0.2 < time.monotonic() - began < 5
    timer.join()


def test_an_action_answers_with_what_it_changed(visitor: Visitor, desk: Desk) -> None:
    after = visitor.state()["version"]
    answer = visitor.post("/do/choose", {"rule": 3, "after": after})
    assert answer.status == 200
    assert list(json.loads(answer.body)["sections"]) == ["choice"]
    assert shown(desk)["choice"]["rule"] == 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/do/nothing", {}),
        ("/do/read", []),
        ("/do/choose", {"rule": "all"}),
        ("/do/choose", {"rule": True}),
        ("/do/choose", {"clips": "all"}),
        ("/do/choose", {"rule": 1}),
        ("/do/choose", {"rule": 99}),
        ("/do/change", {"change": 1}),
        ("/do/start", {}),
        ("/do/cancel", {}),
        ("/do/cancel", {"run": "7"}),
        ("/do/place", {"job": "7"}),
        ("/do/repair", {"run": "7", "repairs": [{"problem": "a"}]}),
        ("/do/repair", {"run": "7", "repairs": [{"problem": 0, "repair": "pray"}]}),
    ],
)
def test_what_makes_no_sense_is_answered_in_words(visitor: Visitor, path: str, body: object) -> None:
    answer = visitor.post(path, body)
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error["what"]


def test_every_action_is_used_by_the_page() -> None:
    text = "".join(file.read_text() for file in STATIC.glob("*.js"))
    unused = [name for name in ACTIONS if f'"{name}"' not in text and f"{name}:" not in text]
    assert unused == []


def test_pictures_are_served_by_position_only(visitor: Visitor, desk: Desk) -> None:
    edit = shown(desk)["edit"]
    names = [clip["name"] for clip in edit["clips"]]
    answer = visitor.get(f"/thumbnail/{edit['number']}/{names.index(STATION)}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.body.startswith(b"\xff\xd8")
    none = visitor.get(f"/thumbnail/{edit['number']}/{names.index(TITLE)}")
    assert (none.status, none.body) == (404, f"It is a generator, which has no film. {TITLE}. Leave it out".encode())
    for path in ("/thumbnail/1/99", "/thumbnail/x/0", "/picture/1/0", "/picture/1/0/0", "/picture/..%2f/0"):
        assert visitor.get(path).status == 404, path


def test_whether_a_page_is_there_is_known(serving: Serving, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Serving(serving._desk)
    assert not fresh.connected
    visitor.state()
    assert serving.connected
    assert serving.last_seen < 5
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert serving.last_seen > 60
    assert not serving.connected


def test_the_end_lets_waiting_pages_go(serving: Serving, visitor: Visitor, desk: Desk) -> None:
    version = int(visitor.state()["version"])
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(visitor.get(f"/state?after={version}").status))
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    began = time.monotonic()
    desk.close()
    serving.stop()
    waiting.join(10)
    assert answers == [410]
    assert time.monotonic() - began < 8
    with pytest.raises(ConnectionRefusedError):
        visitor.get("/")
