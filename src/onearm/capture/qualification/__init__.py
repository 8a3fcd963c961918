"""Qualification of an installation: is it installed as meant, and does it do what it says here."""
