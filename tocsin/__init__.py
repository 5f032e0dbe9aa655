"""Tocsin: security monitoring and alerting for Kubernetes."""

__version__ = "0.1.0"
