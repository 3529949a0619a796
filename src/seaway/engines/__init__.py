"""Engines: programs that answer, and the forms models take on their way there."""
