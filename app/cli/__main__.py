"""`python -m app.cli` is `loyalty`, where the package is not installed (the container image)."""

from app.cli import main

main()
