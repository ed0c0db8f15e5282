"""The schema's revisions, run by Alembic as the owner of the tables."""
