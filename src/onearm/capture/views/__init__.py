"""Pages: each reads what its reader may see and hands acts to ``capture.actions``."""
