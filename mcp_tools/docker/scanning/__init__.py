"""What an image holds and whether it is safe: inventory, SBOM, known vulnerabilities, configuration."""
