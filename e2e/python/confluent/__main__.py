import confluent_kafka as kafka
import scenario

from . import common, consume, groups, produce, read, topics, transactions

if __name__ == "__main__":
    function, args = scenario.step(topics, produce, transactions, consume, read, groups)
    try:
        function(*args)
    except kafka.KafkaException as error:
        common.refused(error.args[0])
