"""Other engines that answer the same questions of the same events, and the warehouse's own answers for comparison."""
