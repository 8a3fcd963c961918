"""Renderers: the same document and cells as a page, a PDF, and CSV files."""
