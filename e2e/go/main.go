// The clients in Go: LIBRARY CONFIG.json STEP ARGUMENTS, one JSON object per line on standard output.
package main

import (
	"fmt"
	"os"

	"tidegate/e2e/franz"
	"tidegate/e2e/saramaclient"
	"tidegate/e2e/scenario"
	"tidegate/e2e/segmentio"
)

var libraries = map[string]func(scenario.Config) (scenario.Client, error){
	"franz-go": franz.New,
	"sarama":   saramaclient.New,
	"kafka-go": segmentio.New,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: client LIBRARY CONFIG.json STEP [ARGUMENTS], not %q", args)
	}
	create, known := libraries[args[0]]
	if !known {
		return fmt.Errorf("unknown library %s", args[0])
	}
	config, err := scenario.ReadConfig(args[1])
	if err != nil {
		return err
	}
	client, err := create(config)
	if err != nil {
		return err
	}
	return scenario.Run(client, args[2], args[3:])
}
