"""Keeps a model right: decide, rebuild, compare, roll out, promote or roll back."""
