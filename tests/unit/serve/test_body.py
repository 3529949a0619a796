from __future__ import annotations

import pytest

from seaway.core.errors import Malformed, TooLarge
from seaway.core.settings import ServeSettings
from seaway.serve import body
from seaway.serve.handlers import LabelsBody

LIMITS = ServeSettings(max_body=1000)


def test_a_body_of_the_stated_form_is_read() -> None:
    read = body.read(b'{"labels":[{"id":"a","value":1}],"partial":true}', LabelsBody, LIMITS)
    assert read.partial
    assert read.labels == [{"id": "a", "value": 1}]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"labels":{}}', "Expected 'array', got 'object'"),
        (b'{"labels":[],"other":1}', "unknown field 'other'"),
        (b'{"labels":[],"labels":[]}', "stands twice"),
        (b'{"labels":[{"value":NaN}]}', "not JSON"),
        (b'{"labels":[{"value":1e999}]}', "too large"),
        (b'{"labels":["\xff"]}', "not UTF-8"),
        (b'{"labels":' + b"[" * 250_000, "nested deeper|not JSON"),
    ],
)
def test_any_other_body_is_refused(sent: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        body.read(sent, LabelsBody, ServeSettings())


def test_the_limit_holds() -> None:
    with pytest.raises(TooLarge, match="1001 bytes, 1000 are allowed"):
        body.read(b" " * 1001, LabelsBody, LIMITS)
