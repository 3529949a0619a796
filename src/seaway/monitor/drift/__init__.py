"""Whether two samples of one column come from one distribution: one detector per file, one decision over all columns (`fdr`)."""
