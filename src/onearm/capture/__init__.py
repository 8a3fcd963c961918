"""The web application in which a trial team captures its data: Django, on SQLite or PostgreSQL.

It reads the study folder and writes history; it imports no analysis, so that nobody who enters data
can see a result. One database holds one study in one environment (test or live).
"""
