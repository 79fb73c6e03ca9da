"""Retrieval: do the nearest rows share a label?"""
