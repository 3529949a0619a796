"""Tasks: kinds of problem, one folder each. No task imports another, nor any room above."""
