"""The lab: a data set in, a candidate out."""
