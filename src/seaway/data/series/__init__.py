"""Series in the lab: what their times say (frequency, zone, gaps, season), and which of their rows may teach."""
