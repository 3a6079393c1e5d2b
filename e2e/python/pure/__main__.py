import scenario
from kafka.errors import BrokerResponseError

from . import common, consume, groups, produce, read, topics, transactions

if __name__ == "__main__":
    function, args = scenario.step(topics, produce, transactions, consume, read, groups)
    try:
        function(*args)
    except BrokerResponseError as error:
        common.refused(error)
