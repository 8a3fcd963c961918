"""Data out: every form as its own table, in the formats that analysis and archives read."""
