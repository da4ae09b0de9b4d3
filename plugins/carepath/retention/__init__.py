"""Retention: who is due, legal hold, and the disposal of everything held about a person."""
