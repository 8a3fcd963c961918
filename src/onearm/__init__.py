"""onearm runs and analyses a single-arm oncology trial, from registry record to report."""
