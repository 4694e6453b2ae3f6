"""Shipmate: the conversation. Everything that talks to a person or a model lives here."""
