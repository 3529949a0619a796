"""Which releases there are, which of them answer, and how that came to be."""
