"""HTTP: who calls, what is asked, which status a refusal becomes. Nothing else knows of it."""
