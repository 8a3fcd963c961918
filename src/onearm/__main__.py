"""``python -m onearm`` is the command ``onearm``."""

from onearm.cli import main

main()
