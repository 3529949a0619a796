"""Figures of rows that were never all in memory: small values, one for each piece of a file, that add up to the file's."""
