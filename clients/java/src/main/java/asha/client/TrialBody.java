package asha.client;

/** Trains one trial. */
@FunctionalInterface
public interface TrialBody {
  /**
   * Trains until the trial's steps end.
   *
   * @param trial what to train
   * @throws Exception the training failed; {@link TrialFailureException} says how
   */
  void train(Trial trial) throws Exception;
}
