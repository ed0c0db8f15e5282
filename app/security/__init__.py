"""Who may come in, and what is kept of people: API keys, members' tokens, encryption at rest."""
