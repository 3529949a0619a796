"""The command line: one file per group of verbs, no logic; it calls workflow and renders."""
