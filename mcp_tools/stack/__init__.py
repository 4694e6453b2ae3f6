"""The todo stack: the application that Shipmate deploys and that the sandbox starts with."""
