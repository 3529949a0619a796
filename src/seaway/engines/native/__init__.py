"""The compiled way to answer: tree ensembles, linear models and their finish in C, and the Python that leads there."""
