"""What is measured, one function a task, each run in a process of its own that imports only what it needs."""
