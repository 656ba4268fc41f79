"""A client that submits requests and waits for their ends: ``python client.py REQUEST.json...``

It may be killed and started again at any moment: the same requests give the same jobs. Jobs whose work was tried as
often as a job tries are queued again. Ends with 0 once every job has succeeded, with 1 where the server is away, and
with ``HOPELESS`` where a job has failed for good.
"""

from __future__ import annotations

import sys
from pathlib import Path

from resilver.v1 import jobs_pb2
from resilver_client.client import Client, connect
from resilver_client.errors import BY_REASON, ResilverError
from resilver_server.api.writing import write_request
from resilver_server.domain.serial import loads
from resilver_server.scheduling.requests import JobRequest

HOPELESS = 3


def main(requests: list[Path]) -> int:
    asked = [write_request(loads(JobRequest, path.read_text())) for path in requests]
    try:
        with connect() as client:
            ids = [client.submit(each).id for each in asked]
            return max(_end(client, id) for id in ids)
    except ResilverError as error:
        print("client:", error.reason, error, flush=True)
        return 1 if error.transient else HOPELESS


def _end(client: Client, id: str) -> int:
    while True:
        for event in client.watch(id, patience=5):
            if event.error.reason and event.kind == jobs_pb2.EVENT_KIND_STATE:
                print("client:", id, event.error.reason, event.error.what, flush=True)
        job = client.get(id)
        if job.state == jobs_pb2.JOB_STATE_SUCCEEDED:
            return 0
        if not BY_REASON[job.error.reason].transient:
            return HOPELESS
        client.retry(id)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
