"""What runs when: admission, the flow of a job, retries. It speaks of jobs; storage and execution do not."""
