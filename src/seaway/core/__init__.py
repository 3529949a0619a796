"""The shared words of Seaway: papers, protocols, and what every room may say to another.

Imports nothing else of seaway; standard library, numpy and msgspec only.
"""
