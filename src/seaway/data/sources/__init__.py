"""What rows come from besides CSV and Parquet files: workbooks, JSON lines and databases, each as blocks of a table."""
