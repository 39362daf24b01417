"""What `python -m benchmarks.tools.distil_text` is made of: words, phrases, the student and how close it comes to its teacher."""
