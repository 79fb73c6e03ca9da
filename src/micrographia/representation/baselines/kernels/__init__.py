"""Compiled passes over pixels, runs and points; they hold no lock, so threads run them side by side."""
