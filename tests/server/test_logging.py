"""The server's log: every line of a job carries job and shot, and no path is in it before DEBUG."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from resilver.v1 import jobs_pb2
from resilver_server.api.writing import write_request
from resilver_server.logs import JsonFormatter, LogFormat, TextFormatter, about, facts, set_up
from support.jobs import damage, film, request, timeline
from support.serving import server_process


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, afterwards as it was."""
    logger = logging.getLogger()
    before = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:], logger.level = before


def _fails(path: str) -> None:
    raise FileNotFoundError(2, "No such file", path)


def test_lines_of_text_and_of_json_carry_job_shot_and_facts(root: logging.Logger) -> None:
    log, stream = logging.getLogger("test"), io.StringIO()
    set_up(logging.INFO, LogFormat.JSON, stream)
    with about("j1"):
        log.info("begins")
        with about(shot=3):
            log.info("chunk %s", "rendered", extra=facts(chunk=7, seconds=1.5, reason=None))
    log.info("idle")
    log.debug("unseen")
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert (first["job"], "shot" in first, first["level"], first["logger"]) == ("j1", False, "INFO", "test")
    assert (second["message"], second["job"], second["shot"]) == ("chunk rendered", "j1", 3)
    assert (second["chunk"], second["seconds"], "reason" in second) == (7, 1.5, False)
    assert "job" not in third
    stream = io.StringIO()
    set_up(logging.INFO, LogFormat.TEXT, stream)
    with about("j1", 3):
        log.warning("again", extra=facts(reason="WORKER_LOST"))
    assert stream.getvalue().endswith("Z WARNING test: again (job=j1 shot=3 reason=WORKER_LOST)\n")


def test_tasks_that_begin_in_a_job_log_for_it(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up(logging.INFO, LogFormat.JSON, stream)

    async def tell(what: str) -> None:
        await asyncio.sleep(0)
        logging.getLogger("test").info(what)

    async def both() -> None:
        tasks = []
        for job in ("a", "b"):
            with about(job):
                tasks.append(asyncio.create_task(tell(job)))
        await asyncio.gather(*tasks)

    asyncio.run(both())
    assert all(entry["job"] == entry["message"] for entry in map(json.loads, stream.getvalue().splitlines()))


@pytest.mark.parametrize("form", [TextFormatter, JsonFormatter])
def test_a_traceback_says_where_but_no_path(form: type[TextFormatter | JsonFormatter]) -> None:
    try:
        _fails("/home/anna/film.mov")
    except OSError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "a fault", (), info)
    calm, open_ = form(logging.INFO).format(record), form(logging.DEBUG).format(record)
    assert "anna" not in calm
    assert str(Path(__file__).parent) not in calm
    assert "server/test_logging.py" in calm
    assert "FileNotFoundError" in calm
    assert "anna" in open_


def test_a_job_at_info_tells_no_path_and_every_line_of_it_its_id(tmp_path: Path) -> None:
    secret = tmp_path / "anna's films"
    secret.mkdir()
    movie = film(secret / "wedding.mkv", 60)
    good = request("a", timeline(movie, 60, ("kiss", 0, 60)), secret / "out")
    torn = film(secret / "wedding, torn.mkv", 60)
    damage(torn, 30)
    bad = request("b", timeline(torn, 60, ("kiss", 0, 60)), secret / "more")
    with server_process(tmp_path / "home", "--log-format", "json") as server:
        with server.client() as client:
            done = client.submit(write_request(good))
            last = list(client.watch(done.id))[-1]
            assert last.state == jobs_pb2.JOB_STATE_SUCCEEDED
            lost = client.submit(write_request(bad))
            assert list(client.watch(lost.id))[-1].state == jobs_pb2.JOB_STATE_FAILED
        assert server.stop() == 0
        text = server.log.read_text()
    for told in (str(tmp_path), "anna", "wedding", "kiss", str(Path.home()), "Bearer"):
        assert told not in text, f"{told} is in the log"
    entries = [json.loads(line) for line in text.splitlines()]
    mine = [entry for entry in entries if entry.get("job") == done.id]
    said = [entry["message"] for entry in mine]
    assert said[0] == "queued"
    assert said[-1] == "the job has succeeded"
    assert {"MEDIA_CORRUPT"} == {entry["reason"] for entry in entries if entry["message"] == "the job has failed"}
    chunks = [entry for entry in mine if entry["message"] == "chunk rendered"]
    assert [(entry["shot"], entry["chunk"], entry["frames"]) for entry in chunks] == [(0, 0, 48), (0, 1, 12)]
