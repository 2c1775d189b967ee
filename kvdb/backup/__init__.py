"""Backups: copies that outlive the database, and the history between them.

Reading order: ``names`` (what objects there are), ``store`` (where they lie), ``retry``, ``manifest``
(what a backup says of itself), ``on_demand`` (making one), ``shelf`` (list, delete, sweep, prune;
``retention`` decides), ``restore`` (a directory from the store alone), ``verify`` and ``drill`` (whether one
would succeed: ``contents``, ``verifications``, ``scratch``); then the continuous archive:
``archive_objects`` (what is stored), ``archive`` (its writer), ``archive_history`` (which points there are,
and the way to one), ``archive_expiry`` (what the window does not need any more).
Exports and imports, in formats that others read, are in ``transfer``.

Calls come in at ``service``, which answers them from manifests (``described``) or begins a job: ``jobs`` (how
long work lives through restarts, and how a kind is added), ``backup_jobs`` and ``restore_jobs``.

Invariants: an object is written whole and never changed. A backup exists once its manifest does, and
the manifest is written after all that it names. What is read from a store is foreign input: names,
sizes and digests are checked, before a restore's target exists.
"""
