"""Recorded steps that make rows worth segmenting of other rows."""
