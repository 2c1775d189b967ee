"""Compaction: fewer, larger, deeper sstables, without what nobody can read any more.

Reading order: ``picker`` (what to compact: pure), ``job`` (files to files, then the edit). What may be
dropped ``lsm/retention`` decides, here as in a flush.
"""
