"""Forecasts of whole series from their rows: the program is data, and one function makes its numbers in training and serving."""
