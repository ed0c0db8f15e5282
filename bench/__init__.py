"""The benchmark: the service beside what it is measured against (`python -m bench`)."""
