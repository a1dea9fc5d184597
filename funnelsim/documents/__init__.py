"""YAML files as data: scenarios, jobs and mappings.

Reading is safe (data only, no tags, no alias bombs, no duplicate keys, UTF-8), and
what is wrong with a file is reported all at once, each problem with
``file:line:column``, its dotted path, the value and what is allowed instead.
"""

from __future__ import annotations

from funnelsim.documents.document import Document, DocumentPath, did_you_mean
from funnelsim.documents.models import explain, validate
from funnelsim.documents.reading import load_document, parse_document
from funnelsim.documents.writing import write_whole

__all__ = [
    "Document",
    "DocumentPath",
    "did_you_mean",
    "explain",
    "load_document",
    "parse_document",
    "validate",
    "write_whole",
]
