"""sstable files."""
