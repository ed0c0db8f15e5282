"""Reading: SELECTs, and nothing that writes."""
