"""Readers: one file per training library, each turning a fitted model into Seaway's own form."""
