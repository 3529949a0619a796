"""Ask a Seaway server from Python, so that a lost connection never means two answers. Imports core only."""

from seaway.client.answers import Answer, Arm, Explained, Health, Labelled, ModelState, Served
from seaway.client.asynchronous import AsyncClient, TypedAsyncClient
from seaway.client.policy import Retries, Timeouts
from seaway.client.synchronous import Client, TypedClient

__all__ = [
    "Answer",
    "Arm",
    "AsyncClient",
    "Client",
    "Explained",
    "Health",
    "Labelled",
    "ModelState",
    "Retries",
    "Served",
    "Timeouts",
    "TypedAsyncClient",
    "TypedClient",
]
