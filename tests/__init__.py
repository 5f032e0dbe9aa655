"""Tests; the directories mirror the package."""
