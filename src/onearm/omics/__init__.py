"""Candidate biomarkers from multi-omics data of some fifty patients: arithmetic, published rules.

Knows matrices of features, samples and outcomes; not studies, CDISC or files.
"""
