"""Scenarios: YAML ⇄ frozen models, one file per primitive."""
