"""What a directory of sources says before anything runs: Dockerfiles, values, manifests and code against each other."""
