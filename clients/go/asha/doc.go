// Package asha is the Go client of the ASHA server: one loop around the training.
//
//	client, err := asha.Connect("localhost:50051")
//	…
//	for trial, err := range client.Experiment("digits").Trials(ctx) {
//		if err != nil {
//			return err
//		}
//		model := build(trial.Configuration, trial.Seed, trial.Checkpoint)
//		for step := range trial.Steps() {
//			_, err := trial.Report(ctx, step, asha.Metrics{"val_loss": model.TrainOneEpoch()},
//				asha.CheckpointFunc(model.Save))
//			…
//		}
//	}
//
// The calls of loops and trials share one stream where the server has it; see [WithSessions].
//
// Start at [Connect], [Experiment.Trials] and [Trial.Report].
// The whole API is in the generated stubs, package ashav1: [Client.Suggestions],
// [Client.Experiments] and [Client.Admin] call it with this client's deadlines, retries,
// token and errors.
package asha
