"""A project's state kept elsewhere, taken while it is in use, and brought back only when every byte of it holds."""
