"""From a candidate to a signed bundle, proven to answer as the trained model does."""
