"""Wire shapes: what is asked and what is answered."""
