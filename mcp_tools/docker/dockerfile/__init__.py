"""Dockerfiles: read byte for byte, judged by rules, made better by patches that are tried."""
