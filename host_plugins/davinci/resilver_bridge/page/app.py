"""The page's requests: its files, what there is to show, pictures by their numbers, and the desk's actions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from resilver_bridge.desk import Desk
from resilver_bridge.showing import shown_error
from resilver_client.errors import InvalidRequest, ResilverError

from .doors import Doors, Guard

STATIC = Path(__file__).parent / "static"
_PATIENCE = 20.0
"""Seconds for which a page waits for something new before it asks again."""
_GATHERING = 0.08
"""Seconds in which changes are gathered: a job tells of itself ten times a second."""
_PICTURE = 3.0
"""Seconds that a thumbnail may take before the page asks again: browsers open few connections at once."""

Action = Callable[[Desk, Mapping[str, Any]], None]
ACTIONS: dict[str, Action] = {
    "read": lambda desk, _: desk.read(),
    "connect": lambda desk, _: desk.connect(),
    "choose": lambda desk, asked: desk.choose(_optional(asked, "rule"), _ids(asked)),
    "change": lambda desk, asked: desk.change(_mapping(asked, "change")),
    "start": lambda desk, _: desk.start(),
    "preview": lambda desk, _: desk.preview(),
    "repair": lambda desk, asked: desk.repair(_text(asked, "run"), _repairs(asked)),
    "again": lambda desk, asked: desk.again(_text(asked, "run")),
    "cancel": lambda desk, asked: desk.cancel(_text(asked, "run")),
    "pause": lambda desk, asked: desk.pause(_text(asked, "run")),
    "resume": lambda desk, asked: desk.resume(_text(asked, "run")),
    "close-run": lambda desk, asked: desk.close_run(_text(asked, "run")),
    "jobs": lambda desk, _: desk.jobs(),
    "standings": lambda desk, _: desk.standings(),
    "place": lambda desk, asked: desk.place(_text(asked, "job")),
    "place-finished": lambda desk, _: desk.place_finished(),
    "take-back": lambda desk, asked: desk.take_back(_text(asked, "job")),
    "retry": lambda desk, asked: desk.retry(_text(asked, "job")),
    "stop": lambda desk, asked: desk.stop(_text(asked, "job")),
    "forget": lambda desk, asked: desk.forget(_text(asked, "job")),
    "dismiss": lambda desk, asked: desk.dismiss(_text(asked, "notice")),
    "leave": lambda desk, _: desk.leave(),
}
"""All that the page can ask for."""


def application(desk: Desk, doors: Doors, seen: Callable[[], None]) -> Starlette:
    """``seen`` is called whenever a page asks for something."""
    pages = Pages(desk, seen)
    routes = [
        Route("/", pages.index),
        Route("/state", pages.state),
        Route("/do/{action}", pages.do, methods=["POST"]),
        Route("/thumbnail/{reading:int}/{index:int}", pages.thumbnail),
        Route("/picture/{run:int}/{index:int}", pages.picture),
        Route("/picture/{run:int}/{index:int}/{stage:int}", pages.picture),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, doors=doors)])


class Pages:
    """What is answered to requests that were let in."""

    def __init__(self, desk: Desk, seen: Callable[[], None]) -> None:
        self._desk, self._seen = desk, seen

    async def index(self, request: Request) -> Response:
        self._seen()
        return FileResponse(STATIC / "index.html")

    async def state(self, request: Request) -> Response:
        """What has changed after a version; waits until something has. 410 where nothing will any more."""
        self._seen()
        after = _number(request.query_params.get("after", ""))
        new = await anyio.to_thread.run_sync(self._desk.board.wait, after, _PATIENCE, abandon_on_cancel=True)
        if self._desk.board.closed:
            return PlainTextResponse("The desk is closed.", 410)
        if new and after:
            await asyncio.sleep(_GATHERING)
        self._seen()
        return JSONResponse(self._desk.snapshot(after))

    async def do(self, request: Request) -> Response:
        """One action; the answer is what has changed with it."""
        self._seen()
        action = ACTIONS.get(request.path_params["action"])
        try:
            asked = json.loads(await request.body())
            if action is None or not isinstance(asked, dict):
                return _refused(InvalidRequest("the page asks for what is not known", remedy="load it again"))
            after = asked.get("after", 0)
            await anyio.to_thread.run_sync(action, self._desk, asked)
        except ValueError:
            return _refused(InvalidRequest("the page sends no JSON", remedy="load it again"))
        except ResilverError as error:
            return _refused(error)
        return JSONResponse(self._desk.snapshot(after if isinstance(after, int) else 0))

    async def thumbnail(self, request: Request) -> Response:
        """A clip's first picture; 404 with the reason where there is none, 503 where it is still being made."""
        numbers = request.path_params["reading"], request.path_params["index"]
        try:
            made = await anyio.to_thread.run_sync(self._desk.thumbnail, *numbers, _PICTURE)
        except TimeoutError:
            return PlainTextResponse("It is still being made.", 503)
        except ResilverError as error:
            return PlainTextResponse(". ".join(part for part in _sentences(error) if part), 404)
        return Response(made, media_type="image/jpeg")

    async def picture(self, request: Request) -> Response:
        asked = request.path_params
        try:
            path = self._desk.picture(str(asked["run"]), asked["index"], asked.get("stage"))
        except ResilverError as error:
            return PlainTextResponse(str(error), 404)
        if not path.is_file():
            return PlainTextResponse("The picture was removed meanwhile.", 404)
        return FileResponse(path, media_type="image/png")


def _refused(error: ResilverError) -> Response:
    return JSONResponse({"error": shown_error(error)}, 400)


def _sentences(error: ResilverError) -> tuple[str, ...]:
    shown = shown_error(error)
    return shown["what"], shown["where"], shown["remedy"]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"the page does not say {name}", remedy="load it again")
    return value


def _optional(asked: Mapping[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidRequest(f"the page does not say {name}", remedy="load it again")
    return value


def _mapping(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = asked.get(name)
    if not isinstance(value, dict):
        raise InvalidRequest(f"the page does not say {name}", remedy="load it again")
    return value


def _ids(asked: Mapping[str, Any]) -> list[str] | None:
    value = asked.get("clips")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(id, str) for id in value):
        raise InvalidRequest("the page does not say which clips", remedy="load it again")
    return value


def _repairs(asked: Mapping[str, Any]) -> list[tuple[int, str]]:
    value = asked.get("repairs")
    if not isinstance(value, list):
        raise InvalidRequest("the page does not say which repairs", remedy="load it again")
    try:
        return [(int(each["problem"]), str(each["repair"])) for each in value]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest("the page does not say which repairs", remedy="load it again") from error
