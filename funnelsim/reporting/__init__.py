"""Notebook → PDF: typed blocks, translated texts, a strict run, Typst."""
