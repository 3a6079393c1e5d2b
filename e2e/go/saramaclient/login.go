package saramaclient

import (
	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"tidegate/e2e/scenario"
)

func logIn(settings *sarama.Config, config scenario.Config) {
	if config.Mechanism == "" {
		return
	}
	sasl := &settings.Net.SASL
	sasl.Enable = true
	sasl.Mechanism = sarama.SASLMechanism(config.Mechanism)
	sasl.User, sasl.Password = config.User, config.Password
	switch config.Mechanism {
	case "SCRAM-SHA-256":
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{hash: scram.SHA256} }
	case "SCRAM-SHA-512":
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{hash: scram.SHA512} }
	}
}

// sarama leaves the calculation to its user.
type conversation struct {
	*scram.ClientConversation
	hash scram.HashGeneratorFcn
}

func (c *conversation) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err == nil {
		c.ClientConversation = client.NewConversation()
	}
	return err
}
