"""What an author did before their network: one file a family, one table of all."""
