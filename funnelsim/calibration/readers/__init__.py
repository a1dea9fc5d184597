"""Files as CRMs and process tools export them → event logs."""

from __future__ import annotations

from funnelsim.calibration.readers.mapped import Reading, read_mapped
from funnelsim.calibration.readers.mapping import MappingFile, load_mapping
from funnelsim.calibration.readers.notes import Note

__all__ = ["MappingFile", "Note", "Reading", "load_mapping", "read_mapped"]
