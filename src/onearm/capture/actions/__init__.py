"""What people do: each act checks rights and state, writes data and history in one transaction."""
