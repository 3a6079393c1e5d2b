package client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The configuration that every step starts from. */
final class Settings {
    /** What a step has, whatever the other side does. */
    static final Duration STEP =
            Duration.ofSeconds(Integer.parseInt(System.getenv().getOrDefault("TIDEGATE_STEP_SECONDS", "30")));

    private Settings() {}

    /** Connection, login and limits, for producers, consumers and admin clients alike. */
    static Properties properties(JsonNode config) {
        Properties properties = new Properties();
        connection(properties, config);
        properties.put("delivery.timeout.ms", String.valueOf(STEP.minusSeconds(5).toMillis()));
        properties.put("request.timeout.ms", "10000");
        properties.put("max.block.ms", "20000");
        properties.put("default.api.timeout.ms", "20000");
        properties.put("enable.idempotence", "true");
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("group.protocol", "classic");
        properties.put("key.serializer", StringSerializer.class.getName());
        properties.put("value.serializer", StringSerializer.class.getName());
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        return properties;
    }

    /** A copy with more settings: {@code key, value, key, value}. */
    static Properties with(Properties properties, String... more) {
        Properties copy = new Properties();
        copy.putAll(properties);
        for (int i = 0; i < more.length; i += 2) {
            copy.put(more[i], more[i + 1]);
        }
        return copy;
    }

    private static void login(Properties properties, JsonNode config, String mechanism) {
        properties.put("sasl.mechanism", mechanism);
        if (mechanism.equals("OAUTHBEARER")) {
            tokens(properties, config);
            return;
        }
        String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
        properties.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.%s required username=\"%s\" password=\"%s\";"
                        .formatted(module, config.get("user").asText(), config.get("password").asText()));
    }

    /** With client credentials at the token endpoint of an identity provider. */
    private static void tokens(Properties properties, JsonNode config) {
        properties.put("sasl.oauthbearer.token.endpoint.url", config.get("token_endpoint").asText());
        properties.put(
                "sasl.login.callback.handler.class",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler");
        properties.put("sasl.oauthbearer.client.credentials.client.id", config.get("user").asText());
        properties.put("sasl.oauthbearer.client.credentials.client.secret", config.get("password").asText());
        properties.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;");
    }

    private static void connection(Properties properties, JsonNode config) {
        properties.put("bootstrap.servers", config.get("bootstrap").asText());
        properties.put("security.protocol", config.get("protocol").asText());
        if (config.hasNonNull("mechanism")) {
            login(properties, config, config.get("mechanism").asText());
        }
        if (config.hasNonNull("ca")) {
            properties.put("ssl.truststore.type", "PEM");
            properties.put("ssl.truststore.location", config.get("ca").asText());
        }
        if (config.hasNonNull("keystore")) {
            properties.put("ssl.keystore.type", "PEM");
            properties.put("ssl.keystore.location", config.get("keystore").asText());
        }
    }
}
