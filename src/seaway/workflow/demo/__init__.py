"""`seaway demo`: real flights, real processes, real HTTP, told step by step."""
