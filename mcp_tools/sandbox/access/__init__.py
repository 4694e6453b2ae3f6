"""Who asks, and what they may do: users, tokens and role-based access control."""
