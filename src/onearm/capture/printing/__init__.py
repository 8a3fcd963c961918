"""From the database to documents on paper: forms, casebooks, serious events, in words."""
