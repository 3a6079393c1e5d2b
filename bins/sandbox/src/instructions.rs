//! What the person reads after the start: commands that can be pasted as they are, with the account in them.

use secrecy::ExposeSecret as _;

use crate::ports::Ports;
use crate::seed::{ORDERS, PRICES};
use crate::setup::{Login, Setup};

/// The text for the terminal.
pub(crate) fn text(setup: &Setup, ports: &Ports) -> String {
    let bootstrap = format!("127.0.0.1:{}", ports.bootstrap);
    [
        heading(setup, &bootstrap, ports.http),
        kcat(setup.login(), &bootstrap),
        console(setup, &bootstrap),
        confluent_kafka(setup.login(), &bootstrap),
        kafka_python(setup.login(), &bootstrap),
        "Ctrl-C ends the sandbox.\n".to_owned(),
    ]
    .join("\n")
}

fn heading(setup: &Setup, bootstrap: &str, http: u16) -> String {
    let (name, password) = (setup.login().account, setup.login().password.expose_secret());
    let folder = setup.folder().display();
    let (orders, prices) = (ORDERS.alias, PRICES.alias);
    format!(
        "\
The sandbox is up. A partner's view of the cluster:

  bootstrap server  {bootstrap} (SASL_PLAINTEXT; PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512)
  account           {name} / {password}
  topics            {orders} (WRITE), {prices} (READ)
  health, metrics   http://127.0.0.1:{http}/readyz  http://127.0.0.1:{http}/metrics
  configuration     {folder}
"
    )
}

fn kcat(login: &Login, bootstrap: &str) -> String {
    let (name, password) = (login.account, login.password.expose_secret());
    let kcat = format!(
        "kcat -b {bootstrap} -X security.protocol=SASL_PLAINTEXT -X sasl.mechanism=SCRAM-SHA-256 \
         -X sasl.username={name} -X sasl.password={password}"
    );
    let (orders, prices, backing) = (ORDERS.alias, PRICES.alias, ORDERS.backing);
    format!(
        "\
kcat: list the topics, read, read as a group, write
  {kcat} -L
  {kcat} -C -t {prices} -o beginning -e
  {kcat} -X auto.offset.reset=earliest -G kcat-group {orders}
  echo 'A-1003:{NEW_ORDER}' | {kcat} -X enable.idempotence=true -P -t {orders} -K :

kcat: what is not allowed. The topic's real name gets the same answer as a name that does not exist
  echo test | {kcat} -P -t {prices}
  {kcat} -L -t {backing}
  {kcat} -L -t no-such-topic
"
    )
}

fn console(setup: &Setup, bootstrap: &str) -> String {
    let client = setup.client_file();
    let client = client.display();
    let (orders, prices) = (ORDERS.alias, PRICES.alias);
    format!(
        "\
Kafka's console tools (in the bin folder of a Kafka download)
  kafka-topics.sh --bootstrap-server {bootstrap} --command-config {client} --list
  kafka-console-consumer.sh --bootstrap-server {bootstrap} --consumer.config {client} \
--topic {prices} --group console-group --from-beginning
  echo '{NEW_ORDER}' | kafka-console-producer.sh --bootstrap-server {bootstrap} --producer.config {client} \
--topic {orders}
"
    )
}

fn confluent_kafka(login: &Login, bootstrap: &str) -> String {
    let (name, password) = (login.account, login.password.expose_secret());
    let (orders, prices) = (ORDERS.alias, PRICES.alias);
    format!(
        "\
Python with confluent-kafka (pip install confluent-kafka)
python3 - <<'END'
from confluent_kafka import Consumer, Producer
account = {{'bootstrap.servers': '{bootstrap}', 'security.protocol': 'SASL_PLAINTEXT',
           'sasl.mechanism': 'SCRAM-SHA-256', 'sasl.username': '{name}', 'sasl.password': '{password}'}}
producer = Producer({{**account, 'enable.idempotence': True}})
producer.produce('{orders}', key='A-1003', value='{NEW_ORDER}',
                 on_delivery=lambda error, message: print('written:', error or message.offset()))
producer.flush(10)
consumer = Consumer({{**account, 'group.id': 'confluent-group', 'auto.offset.reset': 'earliest'}})
consumer.subscribe(['{orders}', '{prices}'])
while (message := consumer.poll(5)) is not None:
    print(message.topic(), message.error() or message.value().decode())
consumer.close()
END
"
    )
}

fn kafka_python(login: &Login, bootstrap: &str) -> String {
    let (name, password) = (login.account, login.password.expose_secret());
    let (orders, prices) = (ORDERS.alias, PRICES.alias);
    format!(
        "\
Python with kafka-python (pip install kafka-python)
python3 - <<'END'
from kafka import KafkaConsumer, KafkaProducer
account = dict(bootstrap_servers='{bootstrap}', security_protocol='SASL_PLAINTEXT',
               sasl_mechanism='SCRAM-SHA-256', sasl_plain_username='{name}', sasl_plain_password='{password}')
producer = KafkaProducer(**account)
print('written:', producer.send('{orders}', key=b'A-1003', value=b'{NEW_ORDER}').get(10).offset)
consumer = KafkaConsumer('{orders}', '{prices}', group_id='python-group', auto_offset_reset='earliest',
                         consumer_timeout_ms=5000, **account)
for message in consumer:
    print(message.topic, message.value.decode())
consumer.close()
END
"
    )
}

const NEW_ORDER: &str = r#"{"order":"A-1003","sku":"COCOA-400","quantity":6,"status":"PLACED"}"#;
