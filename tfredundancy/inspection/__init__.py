"""Where? What a network's records look like outside: tables and event files."""
