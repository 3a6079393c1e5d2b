// The franz-go client of the common scenario:
// CONFIG.json list | produce TOPIC N KEYPREFIX | consume TOPIC GROUP N.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type config struct {
	Bootstrap string
	Protocol  string
	Mechanism string
	User      string
	Password  string
	CA        string
}

type fields map[string]any

func main() {
	options, err := options(os.Args[1])
	if err == nil {
		err = run(options, os.Args[2], os.Args[3:])
	}
	var refused *kerr.Error
	if errors.As(err, &refused) {
		line(fields{"event": "error", "code": refused.Code, "name": refused.Message, "message": err.Error()})
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(options []kgo.Opt, command string, args []string) error {
	switch command {
	case "list":
		return list(options)
	case "produce":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return produce(options, args[0], count, args[2])
	case "consume":
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return consume(options, args[0], args[1], count)
	}
	return fmt.Errorf("unknown command %s", command)
}

func list(options []kgo.Opt) error {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	names := []string{}
	for _, topic := range answer.Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return err
		}
		if !topic.IsInternal {
			names = append(names, *topic.Topic)
		}
	}
	line(fields{"event": "topics", "names": names})
	return nil
}

func produce(options []kgo.Opt, topic string, count int, keys string) error {
	options = append(options, kgo.RecordDeliveryTimeout(25*time.Second), kgo.UnknownTopicRetries(3))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	records := make([]*kgo.Record, count)
	for i := range records {
		key := fmt.Sprintf("%s%d", keys, i)
		records[i] = &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte("value of " + key)}
	}
	for _, result := range client.ProduceSync(context.Background(), records...) {
		if result.Err != nil {
			return result.Err
		}
		at := result.Record
		line(fields{"event": "produced", "topic": at.Topic, "partition": at.Partition, "offset": at.Offset})
	}
	return nil
}

func consume(options []kgo.Opt, topic, group string, count int) error {
	options = append(options, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	seen := []*kgo.Record{}
	for len(seen) < count && ctx.Err() == nil {
		fetches := client.PollRecords(ctx, count-len(seen))
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.DeadlineExceeded) {
				return failed.Err
			}
		}
		for _, record := range fetches.Records() {
			seen = append(seen, record)
			line(fields{"event": "record", "topic": record.Topic, "partition": record.Partition,
				"offset": record.Offset, "key": string(record.Key), "value": string(record.Value)})
		}
	}
	if len(seen) > 0 {
		if err := client.CommitRecords(context.Background(), seen...); err != nil {
			return err
		}
		line(fields{"event": "committed"})
	}
	return client.LeaveGroupContext(context.Background())
}

func options(path string) ([]kgo.Opt, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config config
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	options := []kgo.Opt{kgo.SeedBrokers(strings.Split(config.Bootstrap, ",")...)}
	switch config.Mechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: config.User, Pass: config.Password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: config.User, Pass: config.Password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: config.User, Pass: config.Password}.AsSha512Mechanism()))
	}
	if config.CA != "" {
		pem, err := os.ReadFile(config.CA)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		options = append(options, kgo.DialTLSConfig(&tls.Config{RootCAs: pool}))
	}
	return options, nil
}

func line(line fields) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
