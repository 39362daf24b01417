"""HTML reports: one self-contained file, no outside resource, readable without JavaScript.

A `Page` is a plain value: a title, a lead, key figures and sections. A section is a subclass of `Section` with its own template (and
script), so a new kind of section is a new module and never a change here.
"""

from __future__ import annotations

from sslts.report.clip import ClipSection
from sslts.report.moments import MomentsSection
from sslts.report.page import Fact, Page, Section, render, write
from sslts.report.provenance import ProvenanceSection
from sslts.report.words import WordsSection

__all__ = ["ClipSection", "Fact", "MomentsSection", "Page", "ProvenanceSection", "Section", "WordsSection", "render", "write"]
