"""What the demo's airline does: asks about each flight over HTTP, and reports hours later what came true."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.core.chance import stamp
from seaway.core.errors import Unavailable

Row = Mapping[str, Any]


class Airline:
    """One keep-alive connection to the server; not shared between threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, row: Row, hidden: Sequence[str]) -> dict[str, Any]:
        """Ask about one flight; returns the whole answer."""
        sent = {name: value for name, value in row.items() if name not in hidden and value is not None}
        return self.post("/v1/predict", {"rows": [sent]})

    def report(self, labels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Report what came true."""
        return self.post("/v1/labels", {"labels": list(labels)})

    def get(self, path: str) -> Any:
        """Fetch a JSON document."""
        return self._call("GET", path, None)

    def post(self, path: str, document: object) -> dict[str, Any]:
        """Send a JSON document."""
        answer: dict[str, Any] = self._call("POST", path, json.dumps(document))
        return answer

    def _call(self, method: str, path: str, body: str | None) -> Any:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise Unavailable(
                f"{method} {path} was answered with {response.status}: {answer['error']['message']}",
                where="the demo's server",
                fix="Look at the project's server log; the demo may be run again in another folder.",
            )
        return answer


def truth(answer: Mapping[str, Any], row: Row, target: str) -> dict[str, Any]:
    """Return the label of one answered flight."""
    return {"request_id": answer["request_id"], "row": 0, "value": row[target], "time": stamp()}


class Traffic(threading.Thread):
    """Flights that keep coming while the update runs, each labelled `late_by` flights later, until stopped."""

    def __init__(self, port: int, rows: Iterator[Row], target: str, *, late_by: int, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self._airline, self._rows, self._target = Airline(port), rows, target
        self._late_by, self._end = late_by, end
        self.asked = 0
        self.releases: dict[str, int] = {}
        self.failure: Exception | None = None

    def run(self) -> None:
        """Ask and report until told to stop."""
        waiting: list[dict[str, Any]] = []
        try:
            for row in self._rows:
                if self._end.wait(0.004):
                    break
                answer = self._airline.ask(row, (self._target,))
                self.releases[answer["release"]] = self.releases.get(answer["release"], 0) + 1
                self.asked += 1
                waiting.append(truth(answer, row, self._target))
                if len(waiting) >= self._late_by + 50:
                    self._airline.report(waiting[:50])
                    del waiting[:50]
            if waiting:
                self._airline.report(waiting)
        except (OSError, Unavailable, http.client.HTTPException) as error:
            self.failure = error  # told by the story: a failed request would break a promise of the demo
