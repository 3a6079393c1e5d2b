package scenario

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Config is how a client reaches the cluster; the harness writes it as JSON.
type Config struct {
	Bootstrap string
	Protocol  string
	Mechanism string
	User      string
	Password  string
	CA        string
}

// ReadConfig reads the file that the harness wrote.
func ReadConfig(path string) (Config, error) {
	var config Config
	text, err := os.ReadFile(path)
	if err != nil {
		return config, err
	}
	return config, json.Unmarshal(text, &config)
}

// Brokers are the addresses to begin with.
func (c Config) Brokers() []string {
	return strings.Split(c.Bootstrap, ",")
}

// TLS is what to trust, nil where the connection is not encrypted.
func (c Config) TLS() (*tls.Config, error) {
	if c.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", c.CA)
	}
	return &tls.Config{RootCAs: pool}, nil
}
