"""The kafka-python client of the common scenario, one file a subject."""
