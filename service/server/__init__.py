"""What listens: connections and their bounds, HTTP as it comes over them, the server's beginning and end."""
