"""Seaway: from the lab to production, and right once it is there."""

__version__ = "0.1.0"
