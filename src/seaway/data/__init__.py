"""Data: read, infer, clean, validate, split, encode, profile, check. One paper comes out: the `Dataset`.

`encode` is what a serving process uses; it imports numpy and msgspec only. Everything else may use polars.
"""
