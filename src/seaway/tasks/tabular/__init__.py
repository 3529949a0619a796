"""One row in, one class or number out."""
