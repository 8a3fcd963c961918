"""The published tables, one CSV file each; every row names its source."""
