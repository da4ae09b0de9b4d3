"""What a person sees in the terminal: nights, status, the work list, the doctor's answers."""
