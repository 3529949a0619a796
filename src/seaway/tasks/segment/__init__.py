"""Rows into groups that nobody has named before: which group a row is in, how far from each, and how odd it is."""
