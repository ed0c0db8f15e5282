"""Scheduled work, one short file a job: bounded batches, safe to run twice or on two machines at once."""
