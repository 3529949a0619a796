"""Answers over HTTP and from files, with an event log that is durable before an answer leaves."""
