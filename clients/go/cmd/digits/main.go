// Command digits is a worker that trains small neural networks on handwritten digits, for the
// search of examples/digits/experiment.yaml: parameters lr and hidden, metric val_loss, epochs.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"asha/clients/go/asha"
)

// digit is an image of 8 x 8 pixels, each 0 to 1, and what it shows.
type digit struct {
	image [pixels]float64
	class int
}

func main() {
	server := flag.String("server", "", "address; default: ASHA_SERVER, then "+asha.DefaultAddress)
	experiment := flag.String("experiment", "digits", "id of the experiment")
	data := flag.String("data", "../data/digits.csv", "64 pixels of 0 to 16 and the digit, a line each")
	checkpoints := flag.String("checkpoints", filepath.Join(os.TempDir(), "asha-digits"),
		"folder that all workers share")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := work(ctx, *server, *experiment, *data, *checkpoints)
	if err != nil && !errors.Is(err, context.Canceled) {
		slog.Error("the worker ends", slog.Any("error", err))
		os.Exit(1)
	}
}

func work(ctx context.Context, server, experiment, data, checkpoints string) error {
	digits, err := read(data)
	if err != nil {
		return err
	}
	var training, validation []digit
	for i, d := range digits {
		if i%5 == 0 {
			validation = append(validation, d)
		} else {
			training = append(training, d)
		}
	}
	folder, err := filepath.Abs(filepath.Join(checkpoints, url.PathEscape(experiment)))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	client, err := asha.Connect(server)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Experiment(experiment).Run(ctx, func(ctx context.Context, trial *asha.Trial) error {
		return train(ctx, trial, training, validation, folder)
	})
}

// train trains one trial until it is told to leave off.
func train(ctx context.Context, trial *asha.Trial, training, validation []digit, folder string) error {
	var hyperparameters struct {
		LearningRate float64 `json:"lr"`
		Hidden       int     `json:"hidden"`
	}
	if err := trial.Configuration.Decode(&hyperparameters); err != nil {
		return err
	}
	n := newNetwork(hyperparameters.Hidden, hyperparameters.LearningRate, trial.Seed)
	if trial.Checkpoint != "" {
		if err := n.load(trial.Checkpoint); err != nil {
			return asha.CheckpointUnreadable(err)
		}
	}
	slog.Info("training", "trial", trial.Number, "kind", trial.Kind, "from", trial.StartStep,
		"lr", hyperparameters.LearningRate, "hidden", hyperparameters.Hidden)
	for epoch := range trial.Steps() {
		n.train(training)
		loss, accuracy := n.validate(validation)
		decision, err := trial.Report(ctx, epoch, asha.Metrics{"val_loss": loss, "val_accuracy": accuracy},
			asha.CheckpointFunc(func() (string, error) {
				path := filepath.Join(folder, fmt.Sprintf("%d-%d-%d.json", trial.Number, trial.Attempt, epoch))
				return path, n.save(path)
			}))
		if err != nil {
			return err
		}
		if decision.ShouldStop() {
			slog.Info("told to leave off", "trial", trial.Number, "epoch", epoch, "val_loss", loss,
				"val_accuracy", accuracy, "verdict", decision.Verdict, "reason", decision.Reason)
		}
	}
	return nil
}

// read gives the digits of a file.
func read(path string) ([]digit, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = pixels + 1
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	digits := make([]digit, len(records))
	for i, record := range records {
		for j, field := range record {
			number, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", path, i+1, err)
			}
			if j < pixels {
				digits[i].image[j] = float64(number) / 16
			} else {
				digits[i].class = number
			}
		}
	}
	return digits, nil
}
