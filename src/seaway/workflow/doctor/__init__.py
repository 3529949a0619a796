"""What is wrong with this machine and with this project, without changing either."""
