"""Who signed a release, and who may ask what: signatures, keys, access."""
