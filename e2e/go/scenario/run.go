// Package scenario is what the Go clients share: the steps, their deadlines and the JSON lines.
package scenario

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

var (
	// No step takes longer.
	whole = stepTime()
	// Working is the time to read or to send in, so that there is time left to commit what came.
	Working = whole - 5*time.Second
)

func stepTime() time.Duration {
	seconds, err := strconv.Atoi(os.Getenv("TIDEGATE_STEP_SECONDS"))
	if err != nil {
		seconds = 30
	}
	return time.Duration(seconds) * time.Second
}

// Client is what a library brings.
type Client struct {
	// Steps by the name that the harness gives them.
	Steps map[string]Step
	// Code finds the Kafka error code in an error of the library.
	Code func(error) (int16, bool)
}

// Step plays one step; its context ends with the time that a step has.
type Step func(ctx context.Context, args Args) error

// Run plays one step. An error of the other side becomes a line, every other one is returned.
func Run(client Client, name string, args Args) error {
	step, known := client.Steps[name]
	if !known {
		return fmt.Errorf("this library has no step %s", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), whole)
	defer cancel()
	err := step(ctx, args)
	if err == nil {
		return nil
	}
	code, refused := client.Code(err)
	if !refused {
		return err
	}
	line(fields{"event": "error", "code": code, "name": errorName(code), "message": err.Error()})
	return nil
}

// Reading is the part of a step's time in which records are read.
func Reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, Working)
}

// Retry repeats work that a rebalance, a new coordinator or a broken connection interrupts.
func (c Client) Retry(ctx context.Context, work func() error) error {
	for {
		err := work()
		if err == nil || c.Refused(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Refused tells whether an error of the other side stays when the client asks or joins again.
func (c Client) Refused(err error) bool {
	code, answered := c.Code(err)
	return answered && !slices.Contains(passing, code)
}

var passing = []int16{
	kerr.LeaderNotAvailable.Code,
	kerr.NotLeaderForPartition.Code,
	kerr.RequestTimedOut.Code,
	kerr.CoordinatorLoadInProgress.Code,
	kerr.CoordinatorNotAvailable.Code,
	kerr.NotCoordinator.Code,
	kerr.IllegalGeneration.Code,
	kerr.UnknownMemberID.Code,
	kerr.RebalanceInProgress.Code,
	kerr.FencedMemberEpoch.Code,
	kerr.StaleMemberEpoch.Code,
}

// Kafka's own name: the libraries have different ones.
func errorName(code int16) string {
	if known, ok := kerr.ErrorForCode(code).(*kerr.Error); ok {
		return known.Message
	}
	return fmt.Sprintf("ERROR_%d", code)
}

// Args are the arguments of a step.
type Args []string

// Number is the argument at a place, as a number.
func (a Args) Number(at int) (int, error) {
	number, err := strconv.Atoi(a[at])
	if err != nil {
		return 0, fmt.Errorf("argument %d: %w", at, err)
	}
	return number, nil
}

// Time is the argument at a place, as a time.
func (a Args) Time(at int) (time.Time, error) {
	millis, err := strconv.ParseInt(a[at], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("argument %d: %w", at, err)
	}
	return time.UnixMilli(millis), nil
}
