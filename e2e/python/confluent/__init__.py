"""The librdkafka client of the common scenario, one file a subject."""
