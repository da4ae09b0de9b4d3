"""Figures that leave the department, protected so that nobody can be recognised."""
