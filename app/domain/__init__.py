"""The rules: pure functions of facts, a program version and `now`. Standard library only."""
