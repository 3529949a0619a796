"""The task of series: the newest rows of one id in, its next steps with their quantiles out."""
