"""Compaction: fewer, larger, deeper sstables, without what nobody can read any more.

Reading order: ``picker`` (what to compact: pure), ``retention`` (what may be dropped: pure, and
the only place that decides it), ``job`` (files to files, then the edit).
"""
