"""A headless loyalty service; app/README.md maps its parts."""
